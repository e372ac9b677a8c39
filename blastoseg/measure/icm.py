"""The inner cell mass: size, shape, and its seat on the trophectoderm."""

import math

import numpy as np

from blastoseg.anatomy.components import drop_specks
from blastoseg.measure.geometry import (
    Outline,
    caliper_widths,
    equivalent_diameter,
    hull_area,
    sample,
    trace_outlines,
)
from blastoseg.records import Labels
from blastoseg.tissues import ICM, TE, ZP

LEAST_SHARE = 0.02
CONTACT_REACH = (1.0, 2.0)
"""Distances outside the outline, in px, at which the neighbouring tissue is looked up: a gap of one pixel
between two tissues is labelling noise."""


def measure_icm(labels: Labels, blastocyst_area: float) -> dict[str, float | int | bool | None]:
    """The ``icm_`` measures of a label map with an empty border; NaN and None where there is no ICM.

    Counted are the largest component and those above 2 % of it. Length and width are the calipers of all
    of them together (Richter 2001), the diameter ratio refers to B's diameter (Almagor 2016).
    """
    mask, components = drop_specks(labels == ICM.label, LEAST_SHARE)
    outlines = trace_outlines(mask) if components else []
    if not outlines:
        return _absent()
    area = float(np.count_nonzero(mask))
    length, width = caliper_widths(np.concatenate([outline.contact for outline in outlines]))
    hull = hull_area(np.concatenate([outline.points for outline in outlines]))
    diameter = equivalent_diameter(area)
    return {
        "icm_area_px2": area,
        "icm_perimeter_px": sum(outline.length for outline in outlines),
        "icm_diameter_px": diameter,
        "icm_length_px": length,
        "icm_width_px": width,
        "icm_roundness_index": length / width if width > 0 else math.nan,
        "icm_solidity_frac": min(1.0, area / max(hull, 1.0)),
        "icm_components": components,
        "icm_area_frac": area / blastocyst_area,
        "icm_diameter_ratio_frac": diameter / equivalent_diameter(blastocyst_area),
        "icm_te_contact_frac": _contact_with_wall(labels, outlines),
    }


def _contact_with_wall(labels: Labels, outlines: list[Outline]) -> float:
    touching = []
    for outline in outlines:
        reach = np.stack([outline.points + distance * outline.normals for distance in CONTACT_REACH])
        neighbours = sample(labels, reach[..., 0], reach[..., 1])
        touching.append(((neighbours == TE.label) | (neighbours == ZP.label)).any(axis=0))
    lengths = [outline.length for outline in outlines]
    return float(np.average([share.mean() for share in touching], weights=lengths))


def _absent() -> dict[str, float | int | bool | None]:
    names = ("area_px2", "perimeter_px", "diameter_px", "length_px", "width_px", "roundness_index")
    shares = ("solidity_frac", "area_frac", "diameter_ratio_frac", "te_contact_frac")
    return {f"icm_{name}": math.nan for name in names + shares} | {"icm_components": None}
