"""What a simulated picture is: what is asked for, and what comes back with its truth."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import Embryo
from blastoseg.simulate.kinds import BLASTOCYSTS
from blastoseg.simulate.preset import Optics
from blastoseg.simulate.reading import Reading
from blastoseg.simulate.truth import true_measures

Scene = Literal["crop", "field"]


@dataclass(frozen=True, slots=True)
class View:
    """The picture asked for.

    ``fill`` is the range of the embryo's outer extent (zona and hatched tissue included) over the shorter
    side; ``kind`` None draws one from the training mixture. ``scene`` "crop" shows the neighbourhood that a
    crop around an embryo shows, "field" a whole incubator frame. ``preset`` names the optics, unless they are
    given as ``optics``.
    """

    height: int = 256
    width: int = 256
    fill: tuple[float, float] = (0.55, 0.95)
    kind: str | None = None
    scene: Scene = "crop"
    bit_depth: Literal[8, 16] = 8
    preset: str = "mixed"
    optics: Optics | None = None


@dataclass(frozen=True)
class SimulatedFrame:
    """A picture with its truth, all arrays ``(y, x)`` of one shape.

    ``labels`` holds tissue values; for what is not a blastocyst only the zona is labelled. ``embryo_mask``
    is all of the main embryo, its zona, the gap inside it and hatched tissue; ``other_mask`` its neighbours.
    ``reading`` says how labels and truth part its tissues.
    """

    image: NDArray[np.uint8] | NDArray[np.uint16]
    labels: NDArray[np.uint8]
    embryo_mask: NDArray[np.bool_]
    other_mask: NDArray[np.bool_]
    kind: str
    embryo: Embryo
    reading: Reading

    @property
    def is_blastocyst(self) -> bool:
        return self.kind in BLASTOCYSTS

    @cached_property
    def truth(self) -> dict[str, float]:
        """True measures in pixels by column name, taken far above pixel resolution; NaN where undefined."""
        return true_measures(self.embryo, self.reading)
