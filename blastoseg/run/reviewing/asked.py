"""What a page may send, checked before anything is done with it."""

import base64
import binascii
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from blastoseg.errors import DataError
from blastoseg.records import Labels
from blastoseg.sources.label_images import HIGHEST_LABEL

MOST_PIXELS = 4096 * 4096
MOST_BYTES = MOST_PIXELS * 4 // 3 + 4096
"""Of a request's body: a frame's labels in base64, and what is said with them."""

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Place = Annotated[int, Field(ge=0, le=10_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"\S")]
Stamp = Annotated[str, Field(max_length=64)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    report: Stamp
    embryo: Key


class AskedSave(_Asked):
    """Keep labels, a byte a pixel, row by row, in base64; ``revision`` is what they were drawn over."""

    place: Place
    by: Name
    revision: Stamp
    shape: tuple[Annotated[int, Field(ge=1, le=16_384)], Annotated[int, Field(ge=1, le=16_384)]]
    labels: str

    def decoded(self) -> Labels:
        """The labels ``(y, x)``. DataError where they are none."""
        height, width = self.shape
        try:
            raw = base64.b64decode(self.labels, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError("the labels are no base64") from error
        if len(raw) != height * width or height * width > MOST_PIXELS:
            raise DataError(f"{len(raw)} labels do not fill {height} x {width} pixels")
        labels: Labels = np.frombuffer(raw, np.uint8).reshape(height, width)
        if labels.max() > HIGHEST_LABEL:
            raise DataError(f"the labels hold {labels.max()}, which is no tissue")
        return labels


class AskedWithdraw(_Asked):
    """Delete a frame's correction."""

    place: Place
    revision: Stamp


class AskedCarry(_Asked):
    """Carry a tissue from two frames to those between."""

    first: Place
    last: Place
    tissue: Literal["zp", "icm"]
    by: Name
