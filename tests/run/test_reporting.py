"""What a run that came to its end says to the scheduler."""

import pytest

from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_NOTHING_MEASURED, EXIT_OK
from blastoseg.run.journal import RunRecord
from blastoseg.run.reporting import exit_code_of


def counts(ok: int = 0, review: int = 0, excluded: int = 0, failed: int = 0) -> dict[str, int]:
    return {"ok": ok, "review": review, "excluded": excluded, "failed": failed}


def ran(**of_run: int) -> RunRecord:
    return RunRecord(1, "", {}, "", {"counts": counts(**of_run)} if of_run else {})


@pytest.mark.parametrize(
    ("now", "earlier", "code"),
    [
        (counts(ok=3), [], EXIT_OK),
        (counts(ok=3, failed=1), [ran(ok=9)], EXIT_FRAMES_FAILED),
        (counts(excluded=3), [], EXIT_OK),
        (counts(excluded=3), [ran(excluded=3), ran()], EXIT_OK),
        (counts(excluded=3), [ran(excluded=3), ran(review=1)], EXIT_NOTHING_MEASURED),
        (counts(failed=3), [ran(ok=1)], EXIT_NOTHING_MEASURED),
        (counts(review=3), [ran(ok=1)], EXIT_OK),
    ],
)
def test_a_run_in_which_nothing_was_measured_any_more_says_so(now, earlier, code) -> None:
    assert exit_code_of(now, earlier) == code
