"""The blastocoel: the cavity's share of the blastocyst."""

import math

import numpy as np

from blastoseg.measure.geometry import equivalent_diameter
from blastoseg.records import Labels
from blastoseg.tissues import BLASTOCOEL


def measure_blastocoel(labels: Labels, blastocyst_area: float) -> dict[str, float]:
    """The ``blastocoel_`` measures; NaN where no cavity is labelled.

    The share of the volume is that of concentric spheres: ``area_frac^1.5``, so that half of the volume is
    63 % of the area.
    """
    area = float(np.count_nonzero(labels == BLASTOCOEL.label)) or math.nan
    share = area / blastocyst_area
    return {
        "blastocoel_area_px2": area,
        "blastocoel_diameter_px": equivalent_diameter(area),
        "blastocoel_area_frac": share,
        "blastocoel_volume_frac_est": share**1.5,
    }
