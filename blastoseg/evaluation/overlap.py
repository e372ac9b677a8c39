"""Overlap of predicted with reference label maps, per tissue, averaged both ways."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.records import Labels
from blastoseg.tissues import INSIDE_OUT, LABEL_OF_CHANNEL
from blastoseg.training.metrics import ClassScores, Counts, class_scores, confusion, summarise

SCORES = ("accuracy", "precision", "recall", "dice", "jaccard")
POOLED = "pooled"
MEAN_OF_IMAGES = "mean of images"
CLASS_MEAN = "mean"
ALL_PIXELS = "all pixels"


def tissue_confusion(reference: Labels, predicted: Labels) -> Counts:
    """Confusion counts ``(reference, predicted)`` of two label maps, tissues in inside-out order.

    Raises ValueError for maps of two shapes, or a value that is no tissue's.
    """
    highest = max(int(reference.max(initial=0)), int(predicted.max(initial=0)))
    if highest >= len(INSIDE_OUT):
        raise ValueError(f"label value {highest} is no tissue: 0 to {len(INSIDE_OUT) - 1} are known")
    order = list(LABEL_OF_CHANNEL)
    return confusion(reference, predicted, len(INSIDE_OUT))[np.ix_(order, order)]


def tissue_accuracy(counts: Counts) -> NDArray[np.float64]:
    """Share of the pixels that both maps call this tissue, or both do not; NaN for a tissue in neither."""
    true, predicted, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    agreeing = total - true - predicted + 2 * np.diag(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(true + predicted > 0, agreeing / total, np.nan)


def mean_known(values: NDArray[np.float64]) -> float:
    """The mean of the values that are not NaN; NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def case_jaccard(counts: Counts) -> NDArray[np.float64]:
    """Jaccard index of each tissue of one image, inside-out; NaN for a tissue in neither map."""
    return class_scores(counts).jaccard


def score_table(counts: list[Counts]) -> pd.DataFrame:
    """Scores of a set of images from one confusion table each.

    Columns ``averaging``, ``tissue`` and the five ``SCORES``. ``pooled`` adds up the pixels of all images
    before scoring; ``mean of images`` scores every image and takes the mean. A tissue that is in neither
    map of an image has no score there and is left out of the mean; so is a precision where the tissue
    was never predicted, a recall where it does not occur. ``mean`` is the mean over the five tissues
    (background is one). Accuracy is one tissue against the rest; over ``all pixels`` it is the
    share of the pixels with the right tissue. Raises ValueError for an empty set.
    """
    summary = summarise(counts)
    each = np.stack([tissue_accuracy(count) for count in counts])
    of_images = np.array([mean_known(column) for column in each.T])
    rows = [
        *_rows(POOLED, summary.pooled, tissue_accuracy(np.sum(counts, axis=0))),
        *_rows(MEAN_OF_IMAGES, summary.mean_of_images, of_images),
    ]
    return pd.DataFrame(rows, columns=["averaging", "tissue", *SCORES])


def _rows(averaging: str, scores: ClassScores, accuracy: NDArray[np.float64]) -> list[dict[str, object]]:
    columns = {
        "accuracy": accuracy,
        "precision": scores.precision,
        "recall": scores.recall,
        "dice": scores.dice,
        "jaccard": scores.jaccard,
    }
    rows: list[dict[str, object]] = [
        {
            "averaging": averaging,
            "tissue": tissue.key,
            **{name: float(values[tissue.channel]) for name, values in columns.items()},
        }
        for tissue in INSIDE_OUT
    ]
    means = {name: mean_known(values) for name, values in columns.items()}
    rows.append({"averaging": averaging, "tissue": CLASS_MEAN, **means})
    rows.append({"averaging": averaging, "tissue": ALL_PIXELS, "accuracy": scores.accuracy})
    return rows


def confusion_table(counts: list[Counts]) -> pd.DataFrame:
    """Pooled pixel counts: one row for each reference tissue, one column for each predicted, inside out."""
    keys = [tissue.key for tissue in INSIDE_OUT]
    pooled = np.sum(counts, axis=0)
    return pd.DataFrame(pooled, index=pd.Index(keys, name="reference"), columns=keys)
