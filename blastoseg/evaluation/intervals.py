"""How sure an overlap score is: intervals over embryos, since images of one embryo are no new evidence."""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import DegenerateDataWarning, bootstrap

from blastoseg.evaluation.overlap import CLASS_MEAN, MEAN_OF_IMAGES, POOLED, case_jaccard
from blastoseg.tissues import INSIDE_OUT
from blastoseg.training.metrics import Counts

RESAMPLES = 2000
CONFIDENCE = 0.95
BATCH = 200
"""Resamples drawn at a time, to bound memory."""

Numbers = NDArray[np.float64]


def jaccard_intervals(counts: Sequence[Counts], groups: Sequence[str]) -> pd.DataFrame:
    """95 % intervals of the Jaccard indices, by bootstrap over ``groups`` (embryos or patients).

    Columns ``averaging``, ``tissue``, ``jaccard_low``, ``jaccard_high``; NaN with fewer than two groups.
    Percentile method (Efron 1979), the same resamples for the same cases.
    """
    names = sorted(set(groups))
    members = np.array([names.index(group) for group in groups])
    pooled = _summed(np.stack(list(counts)), members, len(names))
    each = np.stack([case_jaccard(count) for count in counts])
    known = np.isfinite(each)
    sums = _summed(np.where(known, each, 0.0), members, len(names))
    numbers = _summed(known.astype(np.float64), members, len(names))
    statistics = {POOLED: partial(_pooled, pooled), MEAN_OF_IMAGES: partial(_mean_of_images, sums, numbers)}
    rows = []
    for averaging, statistic in statistics.items():
        low, high = _interval(statistic, len(names))
        tissues = [*(tissue.key for tissue in INSIDE_OUT), CLASS_MEAN]
        for tissue, lower, upper in zip(tissues, low, high, strict=True):
            rows.append((averaging, tissue, float(lower), float(upper)))
    return pd.DataFrame(rows, columns=["averaging", "tissue", "jaccard_low", "jaccard_high"])


def _summed(values: NDArray[Any], members: NDArray[np.int64], count: int) -> Numbers:
    """Sums over the cases of each group, ``(group, ...)``."""
    total = np.zeros((count, *values.shape[1:]))
    np.add.at(total, members, values)
    return total


def _pooled(counts: Numbers, chosen: NDArray[np.int64], axis: int = -1) -> Numbers:
    """Jaccard indices and their mean, ``(6, ...)``, of the pixels of chosen groups ``(..., group)``."""
    table = counts[chosen].sum(axis=axis - 2)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _with_mean(hits / (table.sum(axis=-1) + table.sum(axis=-2) - hits))


def _mean_of_images(sums: Numbers, numbers: Numbers, chosen: NDArray[np.int64], axis: int = -1) -> Numbers:
    """The same of means over the images of chosen groups."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return _with_mean(sums[chosen].sum(axis=axis - 1) / numbers[chosen].sum(axis=axis - 1))


def _with_mean(jaccard: Numbers) -> Numbers:
    known = np.isfinite(jaccard)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, jaccard, 0).sum(axis=-1, keepdims=True) / known.sum(axis=-1, keepdims=True)
    return np.moveaxis(np.concatenate([jaccard, mean], axis=-1), -1, 0)


def _interval(statistic: Any, groups: int) -> tuple[Numbers, Numbers]:
    if groups < 2:
        nothing = np.full(len(INSIDE_OUT) + 1, np.nan)
        return nothing, nothing
    with warnings.catch_warnings():
        # Where all groups score the same, as untrained networks do, the interval is that score.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (np.arange(groups),),
            statistic,
            n_resamples=RESAMPLES,
            batch=BATCH,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
    return found.low, found.high
