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
    """Every run on ``out``, oldest first.

    Raises InputNotFoundError where there is no ledger, OutputError where it cannot be read.
    """
    path = out / JOURNAL_FILE
    if not path.is_file():
        raise InputNotFoundError(f"{path}: there is no such ledger: is {out} the output folder of a run?")
    try:
        # Not opened read-only: a run that was killed may have left a transaction to be rolled back.
        with closing(sqlite3.connect(path)) as database:
            found = database.execute(_EVERY_RUN).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: is no ledger, or a damaged one ({error})") from error
    try:
        return [
            RunRecord(
                number=number,
                started=started,
                details=_object(details),
                ended=ended or "",
                outcome=_object(outcome or "{}"),
            )
            for number, started, details, ended, outcome in found
        ]
    except (ValueError, TypeError, RecursionError) as error:
        raise OutputError(
            f"{path}: is damaged (the list of runs cannot be read): move it away and run again; every "
            "frame is scored anew"
        ) from error


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"no object: {text!r}")
    return value
