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
from blastoseg.run.journal.pictures import PICTURES_OF_FRAMES
from blastoseg.run.journal.schema import (
    COLUMNS_OF,
    SCHEMA_VERSION,
    StoredFrame,
    as_text,
    migrate,
    run_digest,
    what_is_missing,
)

_PUT_FRAME = "INSERT OR IGNORE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_RUN = "INSERT OR IGNORE INTO run_events VALUES (?, ?, ?, ?, ?, ?)"
_PUT_PICTURE = "INSERT OR IGNORE INTO pictures VALUES (?, ?, ?)"
# SQLite's message quotes the damaged file, which may be no text.
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)

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

    A frame whose row was dropped is scored again by the next run. Rows of versions without digests are taken
    as they stand, where they can be read. Raises InputNotFoundError where there is no ledger, OutputError for
    one of a newer version, and where the disk refuses.
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
        old.text_factory = as_text
        version = _version_of(old, path, done)
        with fresh:
            fresh.executemany(_PUT_FRAME, _whole(old, ("frames", 5), _FRAME_OF[version], done))
            fresh.executemany(_PUT_RUN, _whole(old, ("run_events", 1), _RUN_OF[version], done))
            if version > 1:
                fresh.executemany(_PUT_PICTURE, _whole(old, ("pictures", 1), _picture, done))
            else:
                fresh.execute(PICTURES_OF_FRAMES)
            done.frames = fresh.execute("SELECT COUNT(*) FROM frames").fetchone()[0]
            done.run_events = fresh.execute("SELECT COUNT(*) FROM run_events").fetchone()[0]
        if _is_sound(old, version) and not done.dropped and not done.is_torn:
            return done
    done.aside = path.with_name(f"journal-damaged-{datetime.now():%Y%m%d-%H%M%S-%f}.sqlite")
    # A ledger lies there at any moment; the rolled-back transaction's journal must not meet the new one.
    for ending in ("", "-journal"):
        if (beside := path.with_name(path.name + ending)).is_file():
            with replace_atomically(done.aside.with_name(done.aside.name + ending)) as temporary:
                shutil.copyfile(beside, temporary)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    with replace_atomically(path) as temporary:
        shutil.copyfile(folder / JOURNAL_FILE, temporary)
    return done


def _version_of(old: sqlite3.Connection, path: Path, done: Repaired) -> int:
    """Which version's rows the ledger holds. OutputError for a newer one, whose rows mean other things."""
    try:
        version: int = old.execute("PRAGMA user_version").fetchone()[0]
    except _UNREADABLE:
        done.is_torn = True
        return SCHEMA_VERSION
    if version not in range(SCHEMA_VERSION + 1):
        raise OutputError(
            f"{path}: is of version {version}, and only those up to {SCHEMA_VERSION} can be repaired: move "
            "it away and run again, every frame is scored anew"
        )
    return version or SCHEMA_VERSION


def _is_sound(old: sqlite3.Connection, version: int) -> bool:
    """Whether the file is whole and has all tables, once they are brought to this version."""
    try:
        is_whole = old.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        if version < SCHEMA_VERSION:
            migrate(old, version)
        return is_whole and not what_is_missing(old)
    except _UNREADABLE:
        return False


def _whole(
    old: sqlite3.Connection, source: tuple[str, int], as_now: Callable[[Row], Row | None], done: Repaired
) -> Iterator[Row]:
    """The whole rows of a table from its start, and from its end where something is torn in between.

    ``source`` is the table with the number of columns of its key; ``as_now`` gives a row of this version.
    """
    table, keys = source
    for end in ("ASC", "DESC"):
        by = ", ".join(f"{column + 1} {end}" for column in range(keys))
        try:
            for found in old.execute(f"SELECT * FROM {table} ORDER BY {by}"):  # noqa: S608  names of ours
                row = as_now(found)
                if row is None:
                    done.dropped += 1
                else:
                    yield row
            return
        except _UNREADABLE:
            done.is_torn = True


def _frame(row: Row) -> Row | None:
    return row if len(row) == len(COLUMNS_OF["frames"]) and StoredFrame(*row).is_whole else None


def _frame_without_digest(row: Row) -> Row | None:
    is_as_long = len(row) == len(COLUMNS_OF["frames"]) - 2
    return StoredFrame._make((*row, "", "")).sealed() if is_as_long and all(map(_is_text, row)) else None


def _run(row: Row) -> Row | None:
    has_all = len(row) == len(COLUMNS_OF["run_events"])
    return row if has_all and row[-1] == run_digest(*row[1:-1]) else None


def _run_without_digest(row: Row) -> Row | None:
    return (*row, run_digest(*row[1:])) if len(row) == len(COLUMNS_OF["run_events"]) - 1 else None


def _picture(row: Row) -> Row | None:
    """No picture is pruned that is not registered: a row that is lost loses no file."""
    return row if len(row) == len(COLUMNS_OF["pictures"]) and _is_text(row[0]) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_FRAME_OF = {1: _frame_without_digest, 2: _frame_without_digest, SCHEMA_VERSION: _frame}
_RUN_OF = {1: _run_without_digest, 2: _run_without_digest, SCHEMA_VERSION: _run}
