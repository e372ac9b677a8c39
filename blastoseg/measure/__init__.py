"""Stage 5: every measure of ``columns.MEASURE_COLUMNS`` in pixels, from a label map alone. Pure."""

import cv2
import numpy as np

from blastoseg.columns import MEASURE_COLUMNS, Measures, check_declared
from blastoseg.measure.blastocoel import measure_blastocoel
from blastoseg.measure.blastocyst import measure_size, outline_region
from blastoseg.measure.icm import measure_icm
from blastoseg.measure.trophectoderm import measure_trophectoderm
from blastoseg.measure.zona import measure_zona
from blastoseg.records import Labels
from blastoseg.tissues import BLASTOCYST_LABELS, ZP

__all__ = ["PIXEL_COLUMNS", "measure_labels"]

REVISION = 2
"""To be raised by whoever changes the value of any measure, or adds one."""
PIXEL_COLUMNS = tuple(column for column in MEASURE_COLUMNS if column.unit not in {"um", "um2"})
MARGIN = 4
"""Empty pixels around the embryo, so that every outline closes within the picture."""


def measure_labels(labels: Labels) -> Measures:
    """Every measure in pixels of one label map ``(y, x)``, in the order of ``columns.MEASURE_COLUMNS``.

    A tissue that is not in the map was not seen, which is not the same as having the size 0: its measures
    are NaN (None where they are counts or truth values), and so is every measure that refers to it. A
    closed zona, however, has seen no gap: ``zp_gap_count`` and ``zp_largest_gap_deg`` are then a true 0.
    An empty map gives NaN and None throughout. The physical columns are added by ``columns.add_micrometres``.
    """
    region = _around_tissues(labels)
    blastocyst = outline_region(region, BLASTOCYST_LABELS)
    embryo = outline_region(region, (*BLASTOCYST_LABELS, ZP.label))
    measures: Measures = {
        **measure_size("blastocyst", blastocyst),
        **measure_size("embryo", embryo),
        **measure_icm(region, blastocyst.area),
        **measure_blastocoel(region, blastocyst.area),
        **measure_trophectoderm(region, blastocyst),
        **measure_zona(region, blastocyst),
    }
    check_declared(measures, PIXEL_COLUMNS)
    return {column.name: measures[column.name] for column in PIXEL_COLUMNS}


def _around_tissues(labels: Labels) -> Labels:
    """The embryo's bounding box with an empty margin."""
    x, y, width, height = cv2.boundingRect((labels > 0).view(np.uint8))
    box = labels[y : y + height, x : x + width]
    return np.pad(box, MARGIN)
