"""A damaged ledger keeps what is whole of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.records import FrameRef, FrameResult, Status
from blastoseg.run.journal import FrameKey, Journal, ScoredWith, read_runs
from blastoseg.run.journal.repair import repair_ledger
from blastoseg.sources.addresses import WholeImage

from .old_versions import make_older

SCORED_WITH = ScoredWith("w", "s", "1")
FRAMES = 400


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The output folder of a run over 400 frames."""
    with Journal(tmp_path) as journal:
        number = journal.start_run({"weights": "w"})
        for index in range(FRAMES):
            ref = FrameRef("7", f"{index:04d}.png", tmp_path, index, WholeImage())
            journal.record(SCORED_WITH, FrameKey(ref.source, "", "1"), FrameResult(ref, Status.OK))
        journal.end_run(number, {"exit_code": 0})
    return tmp_path


def _sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            for statement in statements:
                database.execute(statement)

    return damage


def _torn(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2 // 4096 * 4096
    raw[middle : middle + 8192] = b"\x5a" * 8192
    path.write_bytes(raw)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])


def _replaced(path: Path) -> None:
    path.write_bytes(b"no database, and longer than the header of one" * 90)


def _frames_kept(out: Path) -> int:
    with Journal(out) as journal:
        return len(list(journal.all_stored(SCORED_WITH)))


DAMAGES = {
    "a flipped digit": (_sql("UPDATE frames SET row = row || ' ' WHERE source = '0007.png'"), FRAMES - 1),
    "a status of another": (_sql("UPDATE frames SET status = 'x' WHERE source < '0010'"), FRAMES - 10),
    "a number for a text": (_sql("UPDATE frames SET row = 7 WHERE source = '0399.png'"), FRAMES - 1),
    "no pictures": (_sql("DROP TABLE pictures"), FRAMES),
    "no history": (_sql("DROP TABLE run_events"), FRAMES),
    "a changed history": (
        _sql("DROP TRIGGER run_events_stand", "UPDATE run_events SET details = '{' WHERE event = 'ended'"),
        FRAMES,
    ),
    "another column": (_sql("ALTER TABLE frames ADD COLUMN more TEXT"), 0),
    "no frames": (_sql("DROP TABLE frames"), 0),
    "a torn page": (_torn, 1),
    "cut short": (_cut, 0),
    "another file": (_replaced, 0),
}


@pytest.mark.parametrize(("damage", "least"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_whole_is_kept_and_the_ledger_works_again(
    out: Path, damage: Callable[[Path], None], least: int
) -> None:
    damage(out / "journal.sqlite")
    broken = (out / "journal.sqlite").read_bytes()
    done = repair_ledger(out)
    assert done.aside is not None
    assert done.aside.read_bytes() == broken
    assert least <= done.frames <= FRAMES
    assert _frames_kept(out) == done.frames
    read_runs(out)
    with Journal(out) as journal:
        journal.start_run({})
    assert repair_ledger(out).aside is None, "whole now"


def test_a_whole_ledger_stays_as_it_is(out: Path) -> None:
    before = (out / "journal.sqlite").read_bytes()
    assert repair_ledger(out).aside is None
    assert (out / "journal.sqlite").read_bytes() == before


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_an_earlier_version_is_brought_to_this_one_before_it_is_repaired(
    out: Path, version: int
) -> None:
    ledger = out / "journal.sqlite"
    make_older(ledger, version)
    before = ledger.read_bytes()
    assert repair_ledger(out).aside is None
    assert ledger.read_bytes() == before, "whole: the next run brings it to this version"
    _torn(ledger)
    done = repair_ledger(out)
    assert done.aside is not None
    assert 1 <= done.frames <= FRAMES
    with Journal(out) as journal:
        kept = journal.rows(SCORED_WITH if version == 2 else replace(SCORED_WITH, stages="0.1.0"))
        assert len(list(kept)) == done.frames
    assert [run.outcome for run in read_runs(out)] == [{"exit_code": 0}]


def test_an_earlier_version_without_its_history_keeps_its_frames(out: Path) -> None:
    make_older(out / "journal.sqlite", 2)
    _sql("DROP TABLE run_events")(out / "journal.sqlite")
    done = repair_ledger(out)
    assert (done.frames, done.run_events) == (FRAMES, 0)
    assert done.aside is not None


def test_a_transaction_that_a_killed_run_left_meets_no_other_ledger(out: Path) -> None:
    journal = out / "journal.sqlite-journal"
    _sql("UPDATE frames SET row = row || ' ' WHERE source = '0007.png'")(out / "journal.sqlite")
    hot = b"what a run left"
    journal.write_bytes(hot)
    done = repair_ledger(out)
    assert done.aside is not None
    assert done.aside.with_name(f"{done.aside.name}-journal").read_bytes() == hot
    assert not journal.exists()


def test_a_ledger_of_another_version_and_a_missing_one_are_left_alone(out: Path, tmp_path: Path) -> None:
    _sql("PRAGMA user_version = 99")(out / "journal.sqlite")
    with pytest.raises(OutputError, match="version 99"):
        repair_ledger(out)
    with pytest.raises(InputNotFoundError, match="no such ledger"):
        repair_ledger(tmp_path / "elsewhere")


def test_the_command_says_what_was_kept_and_what_was_dropped(out: Path) -> None:
    assert "nothing to repair: 400 rows" in CliRunner().invoke(app, ["repair", str(out)]).output
    _sql("UPDATE frames SET row = row || ' ' WHERE source = '0007.png'")(out / "journal.sqlite")
    answer = CliRunner().invoke(app, ["repair", str(out)])
    assert answer.exit_code == 0
    assert "kept 399 rows of frames and 3 lines of the history; dropped 1 row" in answer.output
    assert CliRunner().invoke(app, ["repair", str(out / "no")]).exit_code == 4


def test_a_killed_run_whose_mark_cannot_be_read_is_an_error_that_names_repair(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.start_run({})
        with sqlite3.connect(tmp_path / "journal.sqlite") as database:
            database.execute("DROP TRIGGER run_events_stand")
            database.execute('UPDATE run_events SET details = \'{"unfinished" "x"}\'')
        with pytest.raises(OutputError, match=r"is damaged.*blastoseg repair"):
            journal.start_run({})
