"""One thing to train on: a gray image with its truth."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Target = Literal["tissues", "embryos"]
"""tissues: class channels ``(y, x)``. embryos: masks of the main and of other embryos ``(2, y, x)``."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A gray image and its truth: label values ``(y, x)``, or masks ``(y, x, channel)`` of 0 and 1."""

    image: NDArray[Any]
    maps: NDArray[np.uint8]
