"""Does the tool keep silent where it should? Wrong exclusions, wrong measurements, missing flags."""

from collections.abc import Iterable, Sequence

import pandas as pd

from blastoseg.evaluation.compare import CaseOutcome
from blastoseg.records import Status

POOR_JACCARD = 0.6
"""Below it a prediction is poor: the frame should be excluded or marked for review."""

SCREENING_COLUMNS = ["question", "cases", "yes", "share"]
WRONGLY_EXCLUDED = "blastocysts wholly in view: excluded or failed"
WRONGLY_MEASURED = "not blastocysts: measured"
CUT_OFF_MEASURED = "blastocysts cut off by the frame's border: measured"
POOR_IS_MARKED = f"blastocysts with mean Jaccard < {POOR_JACCARD}: marked for review, excluded or failed"
ANY_POOR_IS_MARKED = f"all cases with mean Jaccard < {POOR_JACCARD}: marked for review, excluded or failed"
GOOD_IS_OK = f"blastocysts with mean Jaccard >= {POOR_JACCARD}: status ok"


def screening_table(outcomes: Sequence[CaseOutcome]) -> pd.DataFrame:
    """A row a question: of how many cases it was asked, of how many it is true, their share (NaN of none)."""
    blastocysts = [outcome for outcome in outcomes if outcome.is_blastocyst]
    poor = [outcome for outcome in outcomes if outcome.jaccard < POOR_JACCARD]
    rows = [
        _row(WRONGLY_EXCLUDED, (not is_measured(one) for one in blastocysts if not one.is_cut_off)),
        _row(WRONGLY_MEASURED, (is_measured(one) for one in outcomes if not one.is_blastocyst)),
        _row(CUT_OFF_MEASURED, (is_measured(one) for one in blastocysts if one.is_cut_off)),
        _row(POOR_IS_MARKED, (not one.is_trusted for one in poor if one.is_blastocyst)),
        _row(ANY_POOR_IS_MARKED, (not one.is_trusted for one in poor)),
        _row(GOOD_IS_OK, (one.is_trusted for one in blastocysts if one.jaccard >= POOR_JACCARD)),
    ]
    return pd.DataFrame(rows, columns=SCREENING_COLUMNS)


def is_measured(outcome: CaseOutcome) -> bool:
    """Whether the report shows this case's numbers, to be reviewed or not."""
    return outcome.result.status in (Status.OK, Status.REVIEW)


def _row(question: str, answers: Iterable[bool]) -> tuple[str, int, int, float]:
    known = list(answers)
    return question, len(known), sum(known), sum(known) / len(known) if known else float("nan")
