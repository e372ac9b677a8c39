"""Every run that ever worked on an output folder, read from its ledger."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.records import Status
from blastoseg.run.journal.schema import FIRST_WITH_DIGESTS, damaged, opened_beside_a_run, run_digest

JOURNAL_FILE = "journal.sqlite"
_EVERY_LINE = "SELECT run, at, event, details, {digest} FROM run_events ORDER BY id"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run on an output folder. ``ended`` is empty for a run that was killed or still works.

    Times are ISO 8601 in UTC; ``details`` and ``outcome`` are what ``start_run`` and ``end_run`` were given.
    """

    number: int
    started: str
    details: dict[str, Any]
    ended: str
    outcome: dict[str, Any]


def ledger_of(out: Path) -> Path:
    """The ledger in an output folder. InputNotFoundError where there is none, OutputError without access."""
    path = out / JOURNAL_FILE
    try:
        is_there = path.is_file()
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be read ({error.strerror}): check the disk or the share"
        ) from error
    if not is_there:
        raise InputNotFoundError(f"{path}: there is no such ledger: is {out} the output folder of a run?")
    return path


def read_runs(out: Path) -> list[RunRecord]:
    """Every run on ``out``, oldest first.

    Raises InputNotFoundError where there is no ledger, OutputError where it cannot be read or a line of it is
    not as it was written.
    """
    path = ledger_of(out)
    try:
        with opened_beside_a_run(path) as database:
            has_digests = database.execute("PRAGMA user_version").fetchone()[0] >= FIRST_WITH_DIGESTS
            query = _EVERY_LINE.format(digest="digest" if has_digests else "''")
            lines = database.execute(query).fetchall()
        return _as_records(lines, has_digests)
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(path, f"the list of runs cannot be read: {error}") from error


def is_dead_night(counts: dict[str, int], earlier: Iterable[RunRecord]) -> bool:
    """Whether nothing was measured, by a run's frames by status, which runs before it did.

    The network, the camera or the lamp may be dead: a night is quiet only where nothing was ever measured.
    """
    return not _measured(counts) and any(_measured(run.outcome.get("counts", {})) for run in earlier)


def _measured(counts: dict[str, int]) -> int:
    return counts.get(Status.OK, 0) + counts.get(Status.REVIEW, 0)


def _as_records(lines: list[tuple[Any, ...]], has_digests: bool) -> list[RunRecord]:
    """Raises ValueError or TypeError for what no run wrote so: SQLite keeps any value in any column."""
    runs: dict[int, RunRecord] = {}
    for number, at, event, details, digest in lines:
        if has_digests and digest != run_digest(number, at, event, details):
            raise ValueError(f"a line of run {number!r:.40} is not as it was written")
        told = json.loads(details)
        if not isinstance(told, dict):
            raise ValueError("the details of a run are none")
        if event == "started":
            runs[int(number)] = RunRecord(int(number), str(at), told, ended="", outcome={})
        elif event == "ended" and number in runs:
            runs[number] = replace(runs[number], ended=str(at), outcome=told)
    return [runs[number] for number in sorted(runs)]
