"""A damaged ledger made whole: what stands as it was written goes on, the rest is left out and counted."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blastoseg.errors import OutputError
from blastoseg.files import replace_atomically
from blastoseg.run.journal.history import JOURNAL_FILE, ledger_of
from blastoseg.run.journal.ledger import Journal
from blastoseg.run.journal.schema import COLUMNS_OF, SCHEMA_VERSION, StoredFrame, run_digest, what_is_missing

_FRAMES = "weights, settings, stages, source, address"
_PUT_FRAME = "INSERT OR IGNORE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_RUN = "INSERT OR IGNORE INTO run_events VALUES (?, ?, ?, ?, ?, ?)"
_PUT_PICTURE = "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)"

Row = tuple[Any, ...]


@dataclass(slots=True)
class Repaired:
    """What became of a ledger. ``aside`` is the damaged one's new name, None where nothing was damaged.

    ``frames`` and ``run_events`` were kept, ``dropped`` rows were not as they were written; where the file
    ``is_torn``, there may be others that could not be read at all.
    """

    frames: int = 0
    run_events: int = 0
    dropped: int = 0
    is_torn: bool = False
    aside: Path | None = None


def repair_ledger(out: Path) -> Repaired:
    """Put a ledger of all whole rows in the place of a damaged one, which is kept under another name.

    A frame whose row was dropped is scored again by the next run. Raises InputNotFoundError where there is no
    ledger, OutputError for one of another version, and where the disk refuses.
    """
    path = ledger_of(out)
    try:
        with TemporaryDirectory() as folder:
            return _repair(path, Path(folder))
    except OSError as error:
        raise OutputError(f"{path}: cannot be repaired ({error.strerror}): check space and access") from error


def _repair(path: Path, folder: Path) -> Repaired:
    copy = folder / "damaged.sqlite"
    # With the journal of a transaction that a killed run left, which SQLite rolls back.
    for ending in ("", "-journal"):
        if (beside := path.with_name(path.name + ending)).is_file():
            shutil.copyfile(beside, copy.with_name(copy.name + ending))
    with Journal(folder):
        pass
    done = Repaired()
    with closing(sqlite3.connect(folder / JOURNAL_FILE)) as fresh, closing(sqlite3.connect(copy)) as old:
        old.text_factory = lambda raw: raw.decode("utf-8", "replace")
        is_structured = _is_of_this_version(old, path, done)
        with fresh:
            fresh.executemany(_PUT_FRAME, _whole(old, ("frames", _FRAMES), _is_frame, done))
            fresh.executemany(_PUT_RUN, _whole(old, ("run_events", "id"), _is_run, done))
            fresh.executemany(_PUT_PICTURE, _whole(old, ("pictures", "path"), _is_picture, done))
            done.frames = fresh.execute("SELECT COUNT(*) FROM frames").fetchone()[0]
            done.run_events = fresh.execute("SELECT COUNT(*) FROM run_events").fetchone()[0]
    if is_structured and not done.dropped and not done.is_torn:
        return done
    done.aside = path.with_name(f"journal-damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite")
    path.replace(done.aside)
    with replace_atomically(path) as temporary:
        shutil.copyfile(folder / JOURNAL_FILE, temporary)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return done


def _is_of_this_version(old: sqlite3.Connection, path: Path, done: Repaired) -> bool:
    """Whether all tables are there. OutputError for another version, whose rows mean other things."""
    try:
        version = old.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise OutputError(
                f"{path}: is of version {version}, and only version {SCHEMA_VERSION} can be repaired: move "
                "it away and run again, every frame is scored anew"
            )
        return not what_is_missing(old) and old.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except sqlite3.DatabaseError:
        done.is_torn = True
        return False


def _whole(
    old: sqlite3.Connection, source: tuple[str, str], is_whole: Callable[[Row], bool], done: Repaired
) -> Iterator[Row]:
    """The whole rows of a table from its start, and from its end where something is torn in between."""
    table, order = source
    for end in ("ASC", "DESC"):
        by = ", ".join(f"{column} {end}" for column in order.split(", "))
        try:
            for row in old.execute(f"SELECT * FROM {table} ORDER BY {by}"):  # noqa: S608  names of ours
                if is_whole(row):
                    yield row
                else:
                    done.dropped += 1
            return
        except sqlite3.Error:
            done.is_torn = True


def _is_frame(row: Row) -> bool:
    return len(row) == len(COLUMNS_OF["frames"]) and StoredFrame(*row).is_whole


def _is_run(row: Row) -> bool:
    has_all = len(row) == len(COLUMNS_OF["run_events"])
    return has_all and bool(row[-1] == run_digest(*row[1:-1]))


def _is_picture(row: Row) -> bool:
    """No picture is pruned that is not registered: a row that is lost loses no file."""
    return len(row) == len(COLUMNS_OF["pictures"]) and isinstance(row[0], str)
