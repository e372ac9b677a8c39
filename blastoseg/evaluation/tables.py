"""The tables of an evaluation, made from its outcomes."""

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add

import numpy as np
import pandas as pd

from blastoseg.columns import Measures
from blastoseg.evaluation.agreement import NUMERIC_MEASURES, Numbers, agreement_table
from blastoseg.evaluation.compare import CaseOutcome
from blastoseg.evaluation.intervals import jaccard_intervals
from blastoseg.evaluation.overlap import MEAN_OF_IMAGES, case_jaccard, mean_known, score_table
from blastoseg.records import Mask
from blastoseg.tissues import FOREGROUND, INSIDE_OUT
from blastoseg.training.reliability import Reliability

ALL_CASES = "all"
BLASTOCYSTS = "blastocysts"
AGAINST_LABELS = "reference labels"
AGAINST_TRUTH = "truth"


def scores_table(outcomes: Sequence[CaseOutcome]) -> pd.DataFrame:
    """Overlap scores and boundary distances of all cases, and of the blastocysts where there are others.

    Columns ``cases``, those of ``overlap.score_table``, the Jaccard index's interval over embryos, the
    boundary distances, which are means over images and stand in the rows of that averaging, and the number
    of ``images``.
    """
    blastocysts = [outcome for outcome in outcomes if outcome.is_blastocyst]
    groups = {ALL_CASES: list(outcomes)}
    if blastocysts and len(blastocysts) < len(outcomes):
        groups[BLASTOCYSTS] = blastocysts
    parts = []
    for name, members in groups.items():
        table = score_table([outcome.counts for outcome in members])
        intervals = jaccard_intervals(
            [outcome.counts for outcome in members], [outcome.group or outcome.name for outcome in members]
        )
        for more in (intervals, _boundary_means(members)):
            table = table.merge(more, on=["averaging", "tissue"], how="left")
        table.insert(0, "cases", name)
        table["images"] = len(members)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _boundary_means(outcomes: Sequence[CaseOutcome]) -> pd.DataFrame:
    rows = []
    for tissue in FOREGROUND:
        distances = [outcome.boundaries[tissue.key] for outcome in outcomes]
        pixel_sizes = np.array([outcome.result.um_per_px for outcome in outcomes])
        row: dict[str, object] = {"averaging": MEAN_OF_IMAGES, "tissue": tissue.key}
        for name in ("hausdorff_95", "mean_surface"):
            values = np.array([getattr(distance, f"{name}_px") for distance in distances])
            row[f"{name}_px"] = mean_known(values)
            row[f"{name}_um"] = mean_known(values * pixel_sizes)
        rows.append(row)
    return pd.DataFrame(rows)


def cases_table(outcomes: Iterable[CaseOutcome]) -> pd.DataFrame:
    """One row for each case, worst mean Jaccard first; one without any tissue, here or there, comes last."""
    rows = [_case_row(outcome) for outcome in outcomes]
    table = pd.DataFrame(rows, columns=CASE_COLUMNS)
    return table.sort_values(["jaccard_mean", "case"], na_position="last", ignore_index=True)


def _case_row(outcome: CaseOutcome) -> dict[str, object]:
    jaccard = case_jaccard(outcome.counts)
    row: dict[str, object] = {
        "case": outcome.name,
        "group": outcome.group,
        "status": str(outcome.result.status),
        "flags": ";".join(outcome.result.flags),
        "reason": outcome.result.reason,
        "is_blastocyst": outcome.is_blastocyst,
        "is_cut_off": outcome.is_cut_off,
        "jaccard_mean": outcome.jaccard,
        "reference_moved_x_px": outcome.displacement.x_px,
        "reference_moved_y_px": outcome.displacement.y_px,
        "um_per_px": outcome.result.um_per_px,
        "overlay": outcome.overlay_file,
    }
    row |= {f"jaccard_{tissue.key}": float(jaccard[tissue.channel]) for tissue in INSIDE_OUT}
    for tissue in FOREGROUND:
        row[f"hausdorff_95_{tissue.key}_px"] = outcome.boundaries[tissue.key].hausdorff_95_px
        row[f"mean_surface_{tissue.key}_px"] = outcome.boundaries[tissue.key].mean_surface_px
    return row


CASE_COLUMNS = [
    *("case", "group", "status", "flags", "reason", "is_blastocyst", "is_cut_off", "jaccard_mean"),
    *(f"jaccard_{tissue.key}" for tissue in INSIDE_OUT),
    *(f"hausdorff_95_{tissue.key}_px" for tissue in FOREGROUND),
    *(f"mean_surface_{tissue.key}_px" for tissue in FOREGROUND),
    *("reference_moved_x_px", "reference_moved_y_px", "um_per_px", "overlay"),
]


def measure_table(measures: Iterable[Measures | None]) -> pd.DataFrame:
    """The numeric measures, one row for each case; NaN where a case lacks them."""
    names = [column.name for column in NUMERIC_MEASURES]
    rows = [[_number((one or {}).get(name)) for name in names] for one in measures]
    return pd.DataFrame(rows, columns=names, dtype=np.float64)


def _number(value: float | int | bool | None) -> float:
    return math.nan if value is None else float(value)


def measures_by_case(outcomes: Sequence[CaseOutcome]) -> pd.DataFrame:
    """What the agreement is from: one row for each case and measure that any side has, NaN where one lacks.

    Columns ``case``, ``measure``, ``unit``, ``predicted``, ``reference_labels``, ``truth``.
    """
    rows = [
        (outcome.name, column.name, column.unit, *values)
        for outcome in outcomes
        for column in NUMERIC_MEASURES
        if not np.isnan(
            values := [
                _number((side or {}).get(column.name))
                for side in (outcome.result.measures, outcome.reference, outcome.truth)
            ]
        ).all()
    ]
    names = ["case", "measure", "unit", "predicted", "reference_labels", "truth"]
    return pd.DataFrame(rows, columns=names)


def compared_measures(outcomes: Sequence[CaseOutcome]) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Predicted and reference measures of the blastocysts by what the reference is, one row for each case."""
    members = [outcome for outcome in outcomes if outcome.is_blastocyst]
    predicted = measure_table(outcome.result.measures for outcome in members)
    against = {AGAINST_LABELS: (predicted, measure_table(outcome.reference for outcome in members))}
    if any(outcome.truth is not None for outcome in members):
        against[AGAINST_TRUTH] = (predicted, measure_table(outcome.truth for outcome in members))
    return against


def agreement_tables(compared: dict[str, tuple[pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """``agreement.agreement_table`` for each reference, one below the other."""
    parts = [agreement_table(ours, theirs, against) for against, (ours, theirs) in compared.items()]
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def known_pairs(predicted: pd.DataFrame, reference: pd.DataFrame, name: str) -> Numbers:
    """The values ``(n, 2)`` of one measure, predicted and reference, of the cases that have both."""
    pairs = np.stack([predicted[name].to_numpy(), reference[name].to_numpy()], axis=1)
    is_known: Mask = np.isfinite(pairs).all(axis=1)
    return np.asarray(pairs[is_known], np.float64)


def total_reliability(outcomes: Sequence[CaseOutcome]) -> tuple[Reliability, Reliability]:
    """The reliability of all crops' pixels, and of those that are embryo."""
    return (
        reduce(add, (outcome.reliability for outcome in outcomes), Reliability.empty()),
        reduce(add, (outcome.embryo_reliability for outcome in outcomes), Reliability.empty()),
    )


def calibration_table(outcomes: Sequence[CaseOutcome]) -> pd.DataFrame:
    """Expected calibration error and number of pixels, of the crops and of the embryos in them."""
    crop, embryo = total_reliability(outcomes)
    return pd.DataFrame(
        {
            "pixels_of": ["crops", "embryos"],
            "expected_calibration_error": [one.expected_calibration_error() for one in (crop, embryo)],
            "pixels": [int(one.pixels.sum()) for one in (crop, embryo)],
        }
    )
