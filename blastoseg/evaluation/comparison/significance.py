"""Whether a difference between two networks is more than noise: paired tests over the same images."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

Numbers = NDArray[np.float64]
FEWEST_PAIRS = 6
"""With fewer, no difference whatever gives a p below 0.05."""


def paired_p(first: Numbers, second: Numbers) -> float:
    """Two-sided p of the signed-rank test (Wilcoxon 1945) over pairs that are known on both sides.

    NaN with fewer than ``FEWEST_PAIRS``; 1 where no pair differs.
    """
    known = np.isfinite(first) & np.isfinite(second)
    difference = first[known] - second[known]
    if difference.size < FEWEST_PAIRS:
        return float("nan")
    if not difference.any():
        return 1.0
    return float(wilcoxon(difference).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for their number (Holm 1979); those that are NaN are left so, and not counted."""
    known = sorted((p, name) for name, p in p_values.items() if np.isfinite(p))
    adjusted = dict.fromkeys(p_values, float("nan"))
    highest = 0.0
    for rank, (p, name) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - rank)))
        adjusted[name] = highest
    return adjusted


def mean_over_seeds(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each image's mean over the trainings that tested it, of what is known."""
    images = dict.fromkeys(name for one in values for name in one)
    means = {}
    for image in images:
        known = [one[image] for one in values if image in one and np.isfinite(one[image])]
        means[image] = float(np.mean(known)) if known else float("nan")
    return means
