"""References that lie beside their embryo: outlines that are right, but were drawn for another crop."""

from typing import NamedTuple

import numpy as np
from skimage.registration import phase_cross_correlation

from blastoseg.evaluation.overlap import case_jaccard, mean_known, tissue_confusion
from blastoseg.records import Labels

DOUBTFUL_JACCARD = 0.8
"""Where a model and a reference agree better, neither lies elsewhere."""
LEAST_GAIN = 0.1
"""By so much at least the mean Jaccard index must rise where the reference is moved onto the prediction."""
LEAST_SHARE, MOST_SHARE = 0.01, 0.25
"""Of the frame's longer side: an outline drawn by hand is a pixel off, and no crop is another place."""


class Displacement(NamedTuple):
    """How far to the right and down a reference has to be moved, in pixels; NaN where it is in place."""

    x_px: float
    y_px: float

    @property
    def is_one(self) -> bool:
        """Whether there is any."""
        return not np.isnan(self.x_px)


NONE = Displacement(float("nan"), float("nan"))


def displacement_of(reference: Labels, predicted: Labels, jaccard: float) -> Displacement:
    """How far a reference ``(y, x)`` lies beside the embryo as a model sees it, ``jaccard`` being their mean.

    The move is the one by which the outlines of both embryos cover each other best (cross-correlation).
    """
    if not jaccard < DOUBTFUL_JACCARD or not reference.any() or not predicted.any():
        return NONE
    moved, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        (predicted > 0).astype(np.float32), (reference > 0).astype(np.float32), normalization=None
    )
    down, right = (round(float(step)) for step in moved)
    farthest = max(abs(down), abs(right)) / max(reference.shape)
    if not LEAST_SHARE <= farthest <= MOST_SHARE:
        return NONE
    height, width = reference.shape
    there = np.s_[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    here = np.s_[max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)]
    shifted = np.zeros_like(reference)
    shifted[there] = reference[here]
    gain = mean_known(case_jaccard(tissue_confusion(shifted, predicted))) - jaccard
    return Displacement(float(right), float(down)) if gain >= LEAST_GAIN else NONE
