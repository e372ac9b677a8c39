"""A tissue's outline in a frame between two others: interpolated by signed distances.

Source: Raya & Udupa 1990, shape-based interpolation: where the blend of both frames' signed distances to the
outline is positive lies the tissue. Both shapes are first moved to where their centroid is by then.
"""

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from blastoseg.records import Labels, Mask
from blastoseg.tissues import ZP, Tissue

_Distances = NDArray[np.float32]


def carry_tissue(before: Labels, after: Labels, between: Labels, share: float, tissue: Tissue) -> Labels:
    """The labels ``between`` with ``tissue`` as it is by then, the others as they are.

    ``before``, ``after`` and ``between`` are ``(y, x)`` of one size; ``share`` is where ``between`` lies: 0
    at ``before``, 1 at ``after``. A pixel that is no longer the tissue's takes the nearest other label.
    Raises ValueError where the tissue is missing on either side.
    """
    if not (before == tissue.label).any() or not (after == tissue.label).any():
        raise ValueError(f"{tissue.name} is missing on one side")
    if tissue == ZP:
        # A ring that moves by its own thickness would vanish: both of its outlines are carried, and it is
        # what lies between them.
        outer = interpolate_mask(_embryo(before), _embryo(after), share)
        mask = outer & ~interpolate_mask(_inside_zona(before), _inside_zona(after), share)
    else:
        mask = interpolate_mask(before == tissue.label, after == tissue.label, share)
    carried = _without(between, tissue)
    carried[mask] = tissue.label
    return carried


def interpolate_mask(before: Mask, after: Mask, share: float) -> Mask:
    """The shape ``(y, x)`` at ``share`` of the way from one to the other; both have pixels."""
    start, end = (np.array(scipy.ndimage.center_of_mass(mask)) for mask in (before, after))
    here = start + share * (end - start)
    blend = (1 - share) * _moved(_signed_distances(before), here - start)
    blend += share * _moved(_signed_distances(after), here - end)
    mask: Mask = blend > 0
    return mask


def _signed_distances(mask: Mask) -> _Distances:
    """Distance of each pixel's centre to the outline, in pixels: positive inside."""
    # Beyond the frame's border nothing lies: without the rim a full frame would be infinitely deep.
    padded = np.pad(mask.astype(np.uint8), 1)
    inside, outside = (
        cv2.distanceTransform(of, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for of in (padded, 1 - padded)
    )
    signed: _Distances = np.where(padded, inside - 0.5, 0.5 - outside).astype(np.float32)
    return signed[1:-1, 1:-1]


def _moved(distances: _Distances, by: NDArray[np.float64]) -> _Distances:
    height, width = distances.shape
    matrix = np.array([[1, 0, by[1]], [0, 1, by[0]]], np.float64)
    moved = cv2.warpAffine(
        distances, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)


def _embryo(labels: Labels) -> Mask:
    return np.asarray(scipy.ndimage.binary_fill_holes(labels > 0), bool)


def _inside_zona(labels: Labels) -> Mask:
    inside: Mask = _embryo(labels) & (labels != ZP.label)
    if not inside.any():
        raise ValueError(f"nothing lies inside {ZP.name}")
    return inside


def _without(labels: Labels, tissue: Tissue) -> Labels:
    """A copy in which the nearest other label takes the tissue's place."""
    own = labels == tissue.label
    if not own.any():
        return labels.copy()
    if own.all():
        return np.zeros_like(labels)
    rows, columns = scipy.ndimage.distance_transform_edt(own, return_distances=False, return_indices=True)
    nearest: Labels = labels[rows, columns]
    return nearest
