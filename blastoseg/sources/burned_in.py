"""Well and hours, read from the labels that the viewer burns into a video."""

import math

from blastoseg.records import Image


def read_hours(image: Image) -> float:
    """Hours; NaN where they cannot be read."""
    return math.nan


def read_well(image: Image) -> int | None:
    """The well's number; None where it cannot be read."""
    return None
