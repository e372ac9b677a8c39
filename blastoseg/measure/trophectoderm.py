"""The trophectoderm: its thickness along the inward normals of the blastocyst's outline."""

import math

import numpy as np

from blastoseg.measure.blastocyst import Region
from blastoseg.measure.geometry import Outline, blur, sample
from blastoseg.measure.thickness import Distances, exit_distances, thickness_statistics
from blastoseg.records import Labels
from blastoseg.tissues import TE

LAYER_BLUR = 0.6
"""Weaker than that of the outlines, so that the cusps between two cells keep their depth."""
THINNEST = 0.75
"""A layer thinner than this, in px, is the rounding of the pixel grid: the sample has no TE."""


def measure_trophectoderm(labels: Labels, blastocyst: Region) -> dict[str, float]:
    """The ``te_`` measures; NaN where no TE is labelled or there is no blastocyst.

    Rays start on B's outline, at least 360 of them and one a pixel, and run inwards to the first exit
    from TE. A ray that crosses all of B within TE measures no layer and is left out of the statistics.
    """
    area = float(np.count_nonzero(labels == TE.label))
    if not area or not blastocyst.exists:
        return {
            "te_area_px2": math.nan,
            "te_area_frac": math.nan,
            **thickness_statistics("te", np.empty(0)),
            "te_coverage_frac": math.nan,
        }
    # What lies outside B counts as TE, so that the rays begin inside the layer however thin it is: the
    # only edge that they meet is the layer's inner one.
    layer = blur((labels == TE.label) | ~blastocyst.mask, LAYER_BLUR)
    thickness = np.concatenate([_thickness(labels, layer, outline) for outline in blastocyst.outlines])
    has_te = thickness > 0
    return {
        "te_area_px2": area,
        "te_area_frac": area / blastocyst.area,
        **thickness_statistics("te", thickness[has_te & np.isfinite(thickness)]),
        "te_coverage_frac": float(has_te.mean()),
    }


def _thickness(labels: Labels, layer: np.ndarray, outline: Outline) -> Distances:
    """Thickness at every point of an outline: 0 without TE, infinite if the ray never leaves it."""
    longest = float(np.hypot(*np.ptp(outline.points, axis=0)))
    inward = -outline.normals
    distances = exit_distances(layer, outline.points, inward, longest)
    middle = np.minimum(np.nan_to_num(distances, nan=4.0), 4.0) / 2
    x, y = (outline.points + np.maximum(middle, 0.5)[:, None] * inward).T
    is_te = sample(labels, x[None], y[None])[0] == TE.label
    distances[np.isnan(distances)] = np.inf
    return np.where(is_te & (distances >= THINNEST), distances, 0.0)
