"""The tables of the ledger, how those of earlier versions become these, and what a whole row is.

A row of a frame, and one of a run, stands with a digest of itself: a digit that flips on a disk or a share is
noticed when the row is read.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, cast

from blastoseg.errors import OutputError
from blastoseg.run.journal.pictures import SCHEMA as PICTURES_SCHEMA
from blastoseg.run.journal.pictures import up_to_date

SCHEMA_VERSION = 3
FIRST_WITH_DIGESTS = 3
"""The first version whose rows carry digests."""
_WAIT_FOR_OTHERS_S = 5.0

_HISTORY_STANDS = """
CREATE TRIGGER run_events_stay BEFORE DELETE ON run_events
    BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;
CREATE TRIGGER run_events_stand BEFORE UPDATE ON run_events
    BEGIN SELECT RAISE(ABORT, 'runs never change'); END;
"""
# No write-ahead log: it needs memory shared between processes, which a network share has not.
_SCHEMA = f"""
CREATE TABLE frames (
    weights TEXT NOT NULL, settings TEXT NOT NULL, stages TEXT NOT NULL,
    source TEXT NOT NULL, address TEXT NOT NULL, content TEXT NOT NULL, place TEXT NOT NULL,
    status TEXT NOT NULL, row TEXT NOT NULL, mask_file TEXT NOT NULL, overlay_file TEXT NOT NULL,
    around TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (weights, settings, stages, source, address)
) WITHOUT ROWID;
CREATE TABLE run_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL, details TEXT NOT NULL,
    digest TEXT NOT NULL DEFAULT ''
);
{_HISTORY_STANDS}
"""
# Version 1 knew results by the software's version: they are kept, and are no stages' results.
_FROM_1 = f"ALTER TABLE frames RENAME COLUMN software TO stages; {PICTURES_SCHEMA}"
# Version 2 had no digests: what stands there is taken as it is.
_FROM_2 = (
    """
ALTER TABLE frames ADD COLUMN around TEXT NOT NULL DEFAULT '';
ALTER TABLE frames ADD COLUMN digest TEXT NOT NULL DEFAULT '';
UPDATE frames SET digest = frame_digest(weights, settings, stages, source, address, content, place, status,
    row, mask_file, overlay_file, around);
ALTER TABLE run_events ADD COLUMN digest TEXT NOT NULL DEFAULT '';
DROP TRIGGER run_events_stand;
DROP TRIGGER run_events_stay;
UPDATE run_events SET digest = run_digest(run, at, event, details);
"""
    + _HISTORY_STANDS
)
_TO_NOW = {0: _SCHEMA + PICTURES_SCHEMA, 1: _FROM_1 + _FROM_2, 2: _FROM_2}


class StoredFrame(NamedTuple):
    """A row of ``frames``, its columns in their order."""

    weights: str
    settings: str
    stages: str
    source: str
    address: str
    content: str
    place: str
    status: str
    row: str
    mask_file: str
    overlay_file: str
    around: str
    digest: str = ""

    def sealed(self) -> "StoredFrame":
        """The row with the digest that goes with it."""
        return self._replace(digest=frame_digest(*self[:-1]))

    @property
    def is_whole(self) -> bool:
        """Whether the row is as it was written."""
        return self.digest == frame_digest(*self[:-1])


COLUMNS_OF = {
    "frames": list(StoredFrame._fields),
    "run_events": ["id", "run", "at", "event", "details", "digest"],
    "pictures": ["path", "bytes", "missing_since"],
}
"""Every table of a ledger, with its columns in their order."""


def frame_digest(*values: object) -> str:
    """The digest of a row of ``frames``: of all columns before it.

    The same whether or not the row's pictures were overwritten since, which a run notes in its content.
    """
    content = StoredFrame._fields.index("content")
    return run_digest(*values[:content], up_to_date(str(values[content])), *values[content + 1 :])


def run_digest(*values: object) -> str:
    """The digest of a row of ``run_events``: run, at, event, details."""
    return hashlib.sha256(json.dumps([str(value) for value in values]).encode()).hexdigest()[:32]


def damaged(path: Path, what: object) -> OutputError:
    """The error for a ledger that is not as it was written: what is wrong, and what to do."""
    return OutputError(
        f"{path}: is damaged ({what}): blastoseg repair keeps what is whole; or move it away and run "
        "again, every frame is scored anew"
    )


def texts(path: Path, values: Iterable[object]) -> list[str]:
    """The values of text columns, which in a damaged ledger may hold anything. Raises OutputError then."""
    found = list(values)
    if odd := [value for value in found if not isinstance(value, str)]:
        raise damaged(path, f"{odd[0]!r:.40} stands where a text was written")
    return cast(list[str], found)


def is_refused(error: sqlite3.Error) -> bool:
    """Whether a disk or another process refused, and not the file's own content.

    SQL that fails means tables that are not ours, or not any more: nothing refused it.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR


def explained(path: Path, error: sqlite3.Error) -> OutputError:
    """What an error of the database means for a user."""
    if is_refused(error):
        return OutputError(f"{path}: cannot be written ({error}): check space and access")
    return damaged(path, error)


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Raises OutputError for whatever a database, or a damaged file in its place, raises in the block."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error
    except UnicodeDecodeError as error:  # SQLite's message quotes the damaged file
        raise damaged(path, error) from error


@contextmanager
def opened_beside_a_run(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger to be read, without the lock; OutputError for whatever it raises in the block."""
    # Not opened read-only: a run that was killed may have left a transaction to be rolled back.
    with explaining(path), closing(sqlite3.connect(path, timeout=_WAIT_FOR_OTHERS_S)) as database:
        yield database


def as_text(raw: bytes) -> str:
    """For SQLite's ``text_factory``: what is no UTF-8 any more is damaged, and must reach its digest."""
    return raw.decode("utf-8", "replace")


def bring_up_to_date(database: sqlite3.Connection, path: Path) -> None:
    """Create the tables, or bring those of an earlier version to this one, and see that they are whole.

    Raises OutputError for a newer version and for tables that are not as they should be, sqlite3.Error as
    the database does.
    """
    database.text_factory = as_text
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise OutputError(f"{path}: was written by a newer blastoseg: update, or use another --out")
    if version < SCHEMA_VERSION:
        if version not in _TO_NOW:
            raise damaged(path, f"there is no version {version}")
        migrate(database, version)
    problem = what_is_missing(database)
    if problem:
        raise damaged(path, problem)


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the tables of an earlier version to this one, as one transaction. Raises sqlite3.Error."""
    database.create_function("frame_digest", -1, frame_digest, deterministic=True)
    database.create_function("run_digest", -1, run_digest, deterministic=True)
    database.executescript(
        f"BEGIN IMMEDIATE; {_TO_NOW[version]} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def what_is_missing(database: sqlite3.Connection) -> str:
    """What a ledger of this version lacks of its tables, in words; empty where it is whole."""
    for table, columns in COLUMNS_OF.items():
        found = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        if columns != found:
            return f"the table {table} has the columns {', '.join(found) or 'of no table'}"
    triggers = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    if not {"run_events_stay", "run_events_stand"} <= triggers:
        return "nothing holds the list of runs any more"
    return ""
