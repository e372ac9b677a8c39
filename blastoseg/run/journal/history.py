"""Every run that ever worked on an output folder, read from its ledger."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blastoseg.errors import InputNotFoundError
from blastoseg.run.journal.schema import damaged

JOURNAL_FILE = "journal.sqlite"
_EVERY_RUN = """
SELECT started.run, started.at, started.details, ended.at, ended.details
FROM run_events AS started
LEFT JOIN run_events AS ended ON ended.run = started.run AND ended.event = 'ended'
WHERE started.event = 'started' ORDER BY started.run
"""


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
    """The ledger in an output folder. Raises InputNotFoundError where there is none."""
    path = out / JOURNAL_FILE
    if not path.is_file():
        raise InputNotFoundError(f"{path}: there is no such ledger: is {out} the output folder of a run?")
    return path


def read_runs(out: Path) -> list[RunRecord]:
    """Every run on ``out``, oldest first.

    Raises InputNotFoundError where there is no ledger, OutputError where it cannot be read.
    """
    path = ledger_of(out)
    try:
        # Not opened read-only: a run that was killed may have left a transaction to be rolled back.
        with closing(sqlite3.connect(path)) as database:
            found = database.execute(_EVERY_RUN).fetchall()
        return [_as_record(*one) for one in found]
    except (sqlite3.Error, ValueError, TypeError, RecursionError) as error:
        raise damaged(path, f"the list of runs cannot be read: {error}") from error


def _as_record(number: int, started: str, details: str, ended: str | None, outcome: str | None) -> RunRecord:
    """Raises ValueError or TypeError for what no run writes: SQLite keeps any value in any column."""
    known, ending = json.loads(details), json.loads(outcome or "{}")
    if not isinstance(known, dict) or not isinstance(ending, dict):
        raise ValueError("the details of a run are none")
    return RunRecord(
        number=int(number), started=str(started), details=known, ended=ended or "", outcome=ending
    )
