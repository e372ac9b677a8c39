"""The evaluation as a page of Markdown, for a model's card or a validation report."""

import math
from collections.abc import Hashable, Mapping

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.errors import counted
from blastoseg.evaluation.markdown import markdown_table
from blastoseg.evaluation.workbook import EvaluationTables

HEADLINE_MEASURES = ("blastocyst_diameter", "icm_area", "te_thickness_mean", "zp_thickness_mean", "te_area")
SCORE_NAMES = ("jaccard", "dice", "precision", "recall", "accuracy")


def summary_page(tables: EvaluationTables) -> str:
    """Scores, screening, calibration and the agreement of the main measures, as Markdown text."""
    parts = [f"*{RESEARCH_USE_ONLY}*", "\n".join(f"- {name}: {value}" for name, value in tables.run.items())]
    for (cases, averaging), part in tables.scores.groupby(["cases", "averaging"], sort=False):
        title = f"### Overlap in percent ({cases}; {averaging}; {counted(part['images'].iloc[0], 'image')})"
        rows = (
            [row["tissue"], *(_digits(100 * row[name], 2) for name in SCORE_NAMES), _interval(row)]
            for row in part.to_dict("records")
        )
        header = ["tissue", *SCORE_NAMES, "jaccard, 95 % interval over embryos"]
        parts.append(f"{title}\n\n{markdown_table(header, rows)}")
    screening = (
        [row["question"], row["cases"], row["yes"], _digits(100 * row["share"], 1)]
        for row in tables.screening.to_dict("records")
    )
    parts.append("### Screening\n\n" + markdown_table(["question", "cases", "yes", "percent"], screening))
    calibration = (
        [row["pixels_of"], _digits(row["expected_calibration_error"], 3), f"{row['pixels']:,}"]
        for row in tables.calibration.to_dict("records")
    )
    header = ["pixels of", "expected calibration error", "pixels"]
    parts.append("### Calibration\n\n" + markdown_table(header, calibration))
    parts.append("### Agreement of the main measures\n\n" + _agreement(tables.agreement))
    return "\n\n".join(parts) + "\n"


def _agreement(table: pd.DataFrame) -> str:
    header = ["measure", "against", "n", "reference mean", "bias", "95 % limits", "ICC(2,1)"]
    rows = (
        [
            row["measure"],
            row["against"],
            row["n"],
            _digits(row["reference_mean"], 1),
            _digits(row["bias"], 2),
            f"{_digits(row['limit_lower'], 2)} to {_digits(row['limit_upper'], 2)}",
            _digits(row["icc"], 3),
        ]
        for row in table.to_dict("records")
        if row["measure"].rpartition("_")[0] in HEADLINE_MEASURES and row["unit"] != "fraction"
    )
    return markdown_table(header, rows)


def _interval(row: Mapping[Hashable, float]) -> str:
    low, high = row["jaccard_low"], row["jaccard_high"]
    return "-" if math.isnan(low) else f"{_digits(100 * low, 1)} to {_digits(100 * high, 1)}"


def _digits(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
