"""What a crop looks like, in numbers: by tissue and across the outlines between them."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.model.standardisation import standardise
from blastoseg.records import Image, Labels, Mask
from blastoseg.tissues import BLASTOCYST_LABELS, ICM, INSIDE_OUT, TE, ZP

Gray = NDArray[np.float32]

LEAST_PIXELS = 60
"""A tissue of fewer pixels shows nothing of how it looks."""
BAND_SIGMAS = (0.7, 1.4, 2.8, 5.6)
"""Pixels: ends of the bands in which fine structure is measured, from noise to cells."""
DISTANCES = (-8, -6, -4, -2, 0, 2, 4, 6, 8)
"""Pixels from an outline, inwards positive, at which the gray values across it are taken."""


def appearance_of(crop: Image, labels: Labels) -> NDArray[np.float64] | None:
    """Numbers that tell how the embryo of a crop looks, whatever its shape; None unless all tissues are seen.

    ``crop`` and its ``labels`` are ``(y, x)``. For each tissue and the background: the median, and the
    deviations (as logarithms) of all structure and of four bands of it. For the outlines of the embryo, the
    blastocyst, what the trophectoderm encloses, and the inner cell mass: the mean gray value at distances on
    both sides, how far it rises along one direction (relief), and what is left besides.
    """
    if any(np.count_nonzero(labels == tissue.label) < LEAST_PIXELS for tissue in INSIDE_OUT):
        return None
    gray = standardise(crop)
    values = [*_of_tissues(gray, labels)]
    blastocyst = np.isin(labels, BLASTOCYST_LABELS)
    enclosed = blastocyst & (labels != TE.label)
    for mask in (blastocyst | (labels == ZP.label), blastocyst, enclosed, labels == ICM.label):
        values += _across(gray, mask)
    return np.array(values)


def _of_tissues(gray: Gray, labels: Labels) -> Iterator[float]:
    bands, smooth = [gray], gray
    for sigma in BAND_SIGMAS:
        smoother = np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma), np.float32)
        bands.append(smooth - smoother)
        smooth = smoother
    for tissue in INSIDE_OUT:
        mask = labels == tissue.label
        inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        # Where a tissue is thin, its edges are all there is.
        seen = inner if np.count_nonzero(inner) >= LEAST_PIXELS else mask
        yield float(np.median(gray[seen]))
        for band in bands:
            yield float(np.log(band[seen].std() + 1e-4))


def _across(gray: Gray, mask: Mask) -> list[float]:
    inside, outside = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (mask, ~mask))
    depth = np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)
    profile = np.array([_mean(gray[np.abs(depth - distance) <= 1]) for distance in DISTANCES])
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(depth, (0, 0), 2))
    near = np.abs(depth) < 2.5
    steepness = np.hypot(slope_x, slope_y)[near] + 1e-6
    directions = np.stack([np.ones_like(steepness), slope_x[near] / steepness, slope_y[near] / steepness], 1)
    fitted, *_ = np.linalg.lstsq(directions, gray[near], rcond=None)
    rest = gray[near] - directions @ fitted
    return [*(profile - np.nanmean(profile)), float(np.hypot(fitted[1], fitted[2])), float(rest.std())]


def _mean(values: Gray) -> float:
    return float(values.mean()) if values.size else float("nan")
