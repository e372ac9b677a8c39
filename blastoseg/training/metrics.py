"""Overlap scores of label maps: Jaccard, Dice, accuracy, precision, recall, averaged both ways."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.tissues import INSIDE_OUT

Counts = NDArray[np.int64]
"""Confusion counts ``(true class, predicted class)``."""
Numbers = NDArray[np.float64]


def confusion(truth: NDArray[np.integer], prediction: NDArray[np.integer], classes: int) -> Counts:
    """Confusion counts of two class maps of one shape, with values ``0 .. classes - 1``."""
    if truth.shape != prediction.shape:
        raise ValueError(f"truth has shape {truth.shape}, prediction {prediction.shape}: they must agree")
    pairs = truth.astype(np.int64).ravel() * classes + prediction.ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores per class, fractions; NaN where a class occurs neither in truth nor in prediction."""

    jaccard: Numbers
    dice: Numbers
    precision: Numbers
    recall: Numbers
    accuracy: float


def class_scores(counts: Counts) -> ClassScores:
    """Scores from confusion counts. ``accuracy`` is the share of all pixels that are right.

    Precision is NaN for a class that was never predicted, recall for one that does not occur.
    """
    hits = np.diag(counts).astype(np.float64)
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ClassScores(
            jaccard=hits / (true + predicted - hits),
            dice=2 * hits / (true + predicted),
            precision=hits / predicted,
            recall=hits / true,
            accuracy=float(hits.sum() / counts.sum()) if counts.sum() else float("nan"),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """Scores of a set of images: from the pooled counts, and as the mean over images of per-image scores."""

    images: int
    pooled: ClassScores
    mean_of_images: ClassScores

    def jaccard_by_tissue(self) -> dict[str, float]:
        """Pooled Jaccard by tissue key."""
        return {tissue.key: float(self.pooled.jaccard[tissue.channel]) for tissue in INSIDE_OUT}


def summarise(counts: list[Counts]) -> Summary:
    """Scores of a set of images from one confusion table each. Raises ValueError for an empty set.

    A class that an image neither has nor is given is left out of that class's mean over images.
    """
    if not counts:
        raise ValueError("no images to score")
    each = [class_scores(count) for count in counts]

    def mean(name: str) -> Numbers:
        values = np.stack([getattr(scores, name) for scores in each])
        known = np.isfinite(values)
        total = np.where(known, values, 0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            means: Numbers = total / known.sum(axis=0)
        return means

    return Summary(
        images=len(counts),
        pooled=class_scores(np.sum(counts, axis=0)),
        mean_of_images=ClassScores(
            jaccard=mean("jaccard"),
            dice=mean("dice"),
            precision=mean("precision"),
            recall=mean("recall"),
            accuracy=float(np.mean([scores.accuracy for scores in each])),
        ),
    )
