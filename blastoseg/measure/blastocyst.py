"""The blastocyst (B) and the embryo (E): their regions, size and shape."""

import math
from dataclasses import dataclass

import numpy as np

from blastoseg.anatomy.components import drop_specks, fill_holes, holds
from blastoseg.measure.geometry import (
    Outline,
    caliper_widths,
    circularity,
    equivalent_diameter,
    trace_outlines,
)
from blastoseg.records import Labels, Mask

SPECK_SHARE = 0.02
"""Components below this share of the largest one have no part in any measure."""


@dataclass(frozen=True, slots=True)
class Region:
    """A filled region, its area in px2 and the smooth outlines of its components; empty if area is NaN."""

    mask: Mask
    area: float
    outlines: list[Outline]

    @property
    def exists(self) -> bool:
        """Whether there is anything to measure."""
        return bool(self.outlines)


def outline_region(labels: Labels, members: tuple[int, ...]) -> Region:
    """The pixels with one of the values ``members``, holes filled, specks left out, with outlines.

    ``labels`` must have an empty border. Specks are components below 2 % of the largest.
    """
    mask, count = drop_specks(holds(labels, members), SPECK_SHARE)
    filled = fill_holes(mask) if count else mask
    outlines = trace_outlines(filled) if count else []
    return Region(filled, float(np.count_nonzero(filled)) if outlines else math.nan, outlines)


def measure_size(name: str, region: Region) -> dict[str, float]:
    """Area, diameter, calipers and circularity of B (``blastocyst``) or E (``embryo``); NaN if empty."""
    largest = smallest = roundness = math.nan
    if region.exists:
        largest, smallest = caliper_widths(np.concatenate([outline.contact for outline in region.outlines]))
        roundness = circularity(region.area, sum(outline.length for outline in region.outlines))
    return {
        f"{name}_area_px2": region.area,
        f"{name}_diameter_px": equivalent_diameter(region.area),
        f"{name}_feret_max_px": largest,
        f"{name}_feret_min_px": smallest,
        f"{name}_circularity_frac": roundness,
    }
