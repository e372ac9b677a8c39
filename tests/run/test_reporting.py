"""What a run that came to its end says to the scheduler."""

import pytest

from blastoseg.errors import EXIT_NOTHING_MEASURED, EXIT_NOTHING_NEW
from blastoseg.run.journal import RunRecord
from blastoseg.run.reporting import is_dead_night
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings


def counts(ok: int = 0, review: int = 0, excluded: int = 0, failed: int = 0) -> dict[str, int]:
    return {"ok": ok, "review": review, "excluded": excluded, "failed": failed}


def ran(**of_run: int) -> RunRecord:
    return RunRecord(1, "", {}, "", {"counts": counts(**of_run)} if of_run else {})


@pytest.mark.parametrize(
    ("now", "earlier", "is_dead"),
    [
        (counts(ok=3), [], False),
        (counts(review=3), [ran(ok=9)], False),
        (counts(excluded=3), [], False),
        (counts(excluded=3), [ran(excluded=3), ran()], False),
        (counts(excluded=3), [ran(excluded=3), ran(review=1)], True),
        (counts(failed=3), [ran(ok=1)], True),
    ],
)
def test_a_night_in_which_nothing_is_measured_any_more_is_dead(now, earlier, is_dead) -> None:
    assert is_dead_night(now, earlier) is is_dead


def test_a_dead_night_says_so_before_it_says_that_nothing_is_new() -> None:
    request = RunRequest(paths=[], settings=Settings(), warn_if_nothing_new=True)
    code = request.exit_code(is_nothing_new=True, has_failed_frames=True, is_dead=True)
    assert code == EXIT_NOTHING_MEASURED
    code = request.exit_code(is_nothing_new=True, has_failed_frames=True, is_dead=False)
    assert code == EXIT_NOTHING_NEW
