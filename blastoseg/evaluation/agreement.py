"""Do two ways of measuring agree? Bland-Altman limits and intraclass correlation."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import MEASURE_COLUMNS, Column

NUMERIC_MEASURES: tuple[Column, ...] = tuple(
    column for column in MEASURE_COLUMNS if column.dtype in ("float", "int")
)
LIMITS = 1.96
"""Half-width of the limits of agreement, in standard deviations (Bland & Altman 1986)."""
LARGEST_RATING = 1e100
"""No measure comes near it; squares of larger ones would overflow."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of ``n`` pairs of values; differences are predicted - reference.

    ``bias`` and ``sd``: mean and standard deviation (n - 1) of the differences; ``lower`` and ``upper``:
    the 95 % limits of agreement, bias -+ 1.96 sd (Bland & Altman 1986). ``icc``: ICC(2,1), see
    ``intraclass_correlation``. ``mean_absolute_error``: mean of the absolute differences. NaN where
    there are too few pairs: one for bias and error, two for the others.
    """

    n: int
    bias: float
    sd: float
    lower: float
    upper: float
    icc: float
    mean_absolute_error: float


def intraclass_correlation(ratings: Numbers) -> float:
    """ICC(2,1) of ``ratings`` ``(targets, raters)``: two-way random effects, absolute agreement, one rater.

    (BMS - EMS) / (BMS + (k - 1) EMS + k (JMS - EMS) / n), from the mean squares between targets, between
    raters and of the residual (Shrout & Fleiss 1979; ICC(A,1) of McGraw & Wong 1996). NaN for fewer than
    two targets or raters, where all ratings are equal, and for one above ``LARGEST_RATING``.
    """
    n, k = ratings.shape
    if n < 2 or k < 2 or np.abs(ratings).max() > LARGEST_RATING:
        return math.nan
    grand = ratings.mean()
    of_targets, of_raters = ratings.mean(axis=1), ratings.mean(axis=0)
    between_targets = k * np.sum((of_targets - grand) ** 2) / (n - 1)
    between_raters = n * np.sum((of_raters - grand) ** 2) / (k - 1)
    residual = ratings - of_targets[:, None] - of_raters + grand
    error = np.sum(residual**2) / ((n - 1) * (k - 1))
    denominator = between_targets + (k - 1) * error + k * (between_raters - error) / n
    # Rounding leaves a trace of variance where there is none.
    if not denominator > 1e-12 * max(1.0, float(np.abs(ratings).max())) ** 2:
        return math.nan
    return float((between_targets - error) / denominator)


def agreement_of(predicted: Numbers, reference: Numbers) -> Agreement:
    """Agreement of two series of equal length; a pair of which one value is NaN is left out."""
    known = np.isfinite(predicted) & np.isfinite(reference)
    predicted, reference = predicted[known], reference[known]
    n = int(known.sum())
    if n == 0:
        return Agreement(0, *[math.nan] * 6)
    differences = predicted - reference
    bias = float(differences.mean())
    sd = float(differences.std(ddof=1)) if n > 1 else math.nan
    return Agreement(
        n=n,
        bias=bias,
        sd=sd,
        lower=bias - LIMITS * sd,
        upper=bias + LIMITS * sd,
        icc=intraclass_correlation(np.stack([predicted, reference], axis=1)),
        mean_absolute_error=float(np.abs(differences).mean()),
    )


def agreement_table(predicted: pd.DataFrame, reference: pd.DataFrame, against: str) -> pd.DataFrame:
    """Agreement of every numeric measure, one row for each, in the order of ``columns.MEASURE_COLUMNS``.

    The tables hold one row for each case, in the same order, and one column for each measure. ``against``
    says what the reference is. ``reference_mean`` is its mean over the pairs; ``only_predicted`` and
    ``only_reference`` count the cases that have the measure on one side only: they are in no pair. A measure
    that the reference never has (micrometres without a pixel size) has no row.
    """
    rows = []
    for column in NUMERIC_MEASURES:
        if column.name not in reference or not reference[column.name].notna().any():
            continue
        ours, theirs = _numbers(predicted, column.name), _numbers(reference, column.name)
        agreement = agreement_of(ours, theirs)
        has_ours, has_theirs = np.isfinite(ours), np.isfinite(theirs)
        rows.append(
            {
                "against": against,
                "measure": column.name,
                "unit": column.unit,
                "n": agreement.n,
                "reference_mean": float(theirs[has_ours & has_theirs].mean()) if agreement.n else math.nan,
                "bias": agreement.bias,
                "sd": agreement.sd,
                "limit_lower": agreement.lower,
                "limit_upper": agreement.upper,
                "icc": agreement.icc,
                "mean_absolute_error": agreement.mean_absolute_error,
                "only_predicted": int((has_ours & ~has_theirs).sum()),
                "only_reference": int((~has_ours & has_theirs).sum()),
            }
        )
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


AGREEMENT_COLUMNS = [
    *("against", "measure", "unit", "n", "reference_mean", "bias", "sd", "limit_lower", "limit_upper"),
    *("icc", "mean_absolute_error", "only_predicted", "only_reference"),
]


def _numbers(table: pd.DataFrame, name: str) -> Numbers:
    return pd.to_numeric(table[name]).to_numpy(dtype=np.float64, na_value=np.nan)
