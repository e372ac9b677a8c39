"""The runs on a folder, as they are read from its ledger."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from blastoseg.errors import OutputError
from blastoseg.files import unfinished_beside
from blastoseg.run.journal import Journal, read_runs
from blastoseg.run.journal.history import JOURNAL_FILE

from .old_versions import make_older


def test_runs_are_listed_in_order_and_one_that_was_killed_has_no_end(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        first = journal.start_run({"weights": "starter"})
        journal.end_run(first, {"exit_code": 3})
    (tmp_path / "masks").mkdir()
    unfinished, refused = unfinished_beside(tmp_path / "masks" / "a.png"), unfinished_beside(tmp_path / "a")
    somebodys = tmp_path / ".part-0123456789abcdef-01234567.png"
    for path in (unfinished, refused, somebodys):
        path.write_bytes(b"half")
    with Journal(tmp_path) as journal:
        journal.start_run({"weights": "starter"})
    assert unfinished.exists(), "the run before ended well: nothing of it lies there"
    assert not refused.exists(), "a folder of the workbook that could not be deleted"
    with Journal(tmp_path) as journal:
        assert journal.start_run({"weights": "finetuned"}) == 3
    assert not unfinished.exists()
    assert somebodys.exists()
    runs = read_runs(tmp_path)
    assert [run.number for run in runs] == [1, 2, 3]
    assert runs[0].outcome == {"exit_code": 3}
    assert [bool(run.ended) for run in runs] == [True, False, False]
    assert runs[2].details == {"weights": "finetuned"}


@pytest.mark.parametrize("details", ["{", "[]", "null", ""])
def test_a_run_that_is_not_as_it_was_noted_is_an_output_error(tmp_path: Path, details: str) -> None:
    with Journal(tmp_path) as journal:
        journal.start_run({})
    with sqlite3.connect(tmp_path / "journal.sqlite") as database:
        database.execute("DROP TRIGGER run_events_stand")
        database.execute("UPDATE run_events SET details = ?", (details,))
    with pytest.raises(OutputError, match="list of runs"):
        read_runs(tmp_path)
    with pytest.raises(OutputError, match="is damaged"), Journal(tmp_path):
        pass


def test_a_run_whose_time_or_outcome_changed_is_noticed_but_in_ledgers_without_digests(
    tmp_path: Path,
) -> None:
    with Journal(tmp_path) as journal:
        journal.end_run(journal.start_run({}), {"counts": {"ok": 3}})
    ledger = tmp_path / JOURNAL_FILE
    with closing(sqlite3.connect(ledger)) as database, database:
        database.execute("DROP TRIGGER run_events_stand")
        database.execute("UPDATE run_events SET details = replace(details, '3', '8')")
    with pytest.raises(OutputError, match="a line of run 1 is not as it was written"):
        read_runs(tmp_path)
    make_older(ledger, 2)
    assert [run.outcome for run in read_runs(tmp_path)] == [{"counts": {"ok": 8}}]


@pytest.mark.parametrize("details", ["null", "", "{", b"\x00", "[" * 100_000])
def test_a_history_that_no_run_wrote_is_damage_that_is_named(tmp_path: Path, details: object) -> None:
    with Journal(tmp_path), closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as database, database:
        database.execute(
            "INSERT INTO run_events (run, at, event, details) VALUES (1, 'now', 'started', ?)", (details,)
        )
    with pytest.raises(OutputError, match="damaged"):
        read_runs(tmp_path)


def test_a_run_without_a_number_is_damage_that_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path), closing(sqlite3.connect(tmp_path / JOURNAL_FILE)) as database, database:
        database.execute(
            "INSERT INTO run_events (run, at, event, details) VALUES ('x', 'now', 'ended', '{}')"
        )
    with pytest.raises(OutputError, match="damaged"), Journal(tmp_path) as journal:
        journal.start_run({})
