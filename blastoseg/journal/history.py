"""Every run that ever worked on an output folder, read from its ledger."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blastoseg.errors import InputNotFoundError, OutputError

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


def read_runs(out: Path) -> list[RunRecord]:
    """Every run on ``out``, oldest first; the ledger is only read.

    Raises InputNotFoundError where there is no ledger, OutputError where it cannot be read.
    """
    path = out / JOURNAL_FILE
    if not path.is_file():
        raise InputNotFoundError(f"{path}: there is no such ledger: is {out} the output folder of a run?")
    try:
        # A run that was killed may have left a transaction to be rolled back: that needs write access.
        found = _select(path, "rw")
    except sqlite3.OperationalError:
        found = _select_explained(path, "ro")
    except sqlite3.DatabaseError as error:
        raise OutputError(f"{path}: is no ledger, or a damaged one ({error})") from error
    return [
        RunRecord(number, started, json.loads(details), ended or "", json.loads(outcome or "{}"))
        for number, started, details, ended, outcome in found
    ]


def _select_explained(path: Path, mode: str) -> list[tuple[Any, ...]]:
    try:
        return _select(path, mode)
    except sqlite3.Error as error:
        raise OutputError(f"{path}: cannot be read ({error})") from error


def _select(path: Path, mode: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True)) as database:
        return database.execute(_EVERY_RUN).fetchall()
