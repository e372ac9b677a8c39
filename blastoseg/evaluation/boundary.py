"""How far predicted outlines lie from reference outlines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from blastoseg.records import Labels, Mask
from blastoseg.tissues import FOREGROUND


@dataclass(frozen=True, slots=True)
class BoundaryDistance:
    """Distances between two outlines in pixels; NaN where one of the two maps lacks the tissue.

    ``hausdorff_95_px``: the larger of the two directed 95th percentiles. ``mean_surface_px``: the mean
    distance of the pixels of both outlines to the other one (average symmetric surface distance).
    """

    hausdorff_95_px: float
    mean_surface_px: float


UNDEFINED = BoundaryDistance(math.nan, math.nan)


def boundary_distance(reference: Mask, predicted: Mask) -> BoundaryDistance:
    """Distances between the outlines of two masks ``(y, x)`` of one shape, exact between pixel centres.

    An outline is the mask's pixels with one of their four neighbours outside the mask or the picture.
    """
    if not reference.any() or not predicted.any():
        return UNDEFINED
    reference_outline, predicted_outline = outline_pixels(reference), outline_pixels(predicted)
    to_predicted = cKDTree(predicted_outline).query(reference_outline)[0]
    to_reference = cKDTree(reference_outline).query(predicted_outline)[0]
    return BoundaryDistance(
        hausdorff_95_px=float(max(np.percentile(to_predicted, 95), np.percentile(to_reference, 95))),
        mean_surface_px=float(np.concatenate([to_predicted, to_reference]).mean()),
    )


def outline_pixels(mask: Mask) -> NDArray[np.intp]:
    """Coordinates ``(n, 2)``, y and x, of the pixels on a mask's outline, outer and inner."""
    return np.argwhere(mask & ~binary_erosion(mask))


def tissue_boundaries(reference: Labels, predicted: Labels) -> dict[str, BoundaryDistance]:
    """The distances of every tissue's outlines, by tissue key."""
    shown = np.argwhere((reference > 0) | (predicted > 0))
    if not len(shown):
        return {tissue.key: UNDEFINED for tissue in FOREGROUND}
    # An erosion of the whole frame for each tissue would cost more than all else here.
    low, high = shown.min(axis=0), shown.max(axis=0) + 1
    window = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    return {
        tissue.key: boundary_distance(reference[window] == tissue.label, predicted[window] == tissue.label)
        for tissue in FOREGROUND
    }
