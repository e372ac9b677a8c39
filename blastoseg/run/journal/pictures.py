"""The ledger's register of pictures: what runs wrote into OUT, and whose frames are gone.

A picture is registered before it is written and stays so until it is deleted: a kill in between leaves none
that nobody knows. What stands here is compared as systems that ignore case would.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from blastoseg.files import clash_key

PICTURES_OF_FRAMES = """
INSERT INTO pictures SELECT mask_file, NULL, '' FROM frames WHERE mask_file <> ''
    UNION SELECT overlay_file, NULL, '' FROM frames WHERE overlay_file <> ''
"""
"""Registers the pictures that rows name, of a version that had no register."""
SCHEMA = f"""
CREATE TABLE pictures (path TEXT PRIMARY KEY, bytes INTEGER, missing_since TEXT NOT NULL) WITHOUT ROWID;
{PICTURES_OF_FRAMES};
"""
_OVERWRITTEN = "pictures overwritten "
_OUTDATE = """
UPDATE frames SET content = outdated(content)
WHERE clash_key(mask_file) IN (SELECT name FROM temp.named)
    OR clash_key(overlay_file) IN (SELECT name FROM temp.named)
"""
_REGISTER = """
INSERT INTO pictures VALUES (?, ?, '')
ON CONFLICT DO UPDATE SET bytes = excluded.bytes, missing_since = ''
"""
_ANY_MISSING = "SELECT 1 FROM pictures WHERE missing_since <> '' LIMIT 1"
_STAYS = """
UPDATE pictures SET missing_since = ''
WHERE missing_since <> '' AND clash_key(path) IN (SELECT name FROM temp.named)
"""
_IS_MISSING = """
UPDATE pictures SET missing_since = ?
WHERE missing_since = '' AND clash_key(path) NOT IN (SELECT name FROM temp.named)
"""
_MISSING = """
SELECT path, bytes FROM pictures
WHERE missing_since <> '' AND (? = '' OR missing_since <= ?)
    AND clash_key(path) NOT IN (SELECT clash_key(path) FROM pictures WHERE missing_since = '')
ORDER BY path
"""


def outdated(content: str) -> str:
    """What stands for a row's ``content`` once its pictures on the disk are another's; SQL knows it too."""
    return _OVERWRITTEN + up_to_date(content)


def up_to_date(content: str) -> str:
    """The content of a row, whether or not its pictures are another's by now."""
    return content.removeprefix(_OVERWRITTEN)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a run wrote: its path relative to OUT, and its size then; None where nobody noted it."""

    path: str
    size: int | None


class PictureRegister:
    """The table ``pictures`` of an open ledger. ``transaction`` makes what is done in it one."""

    def __init__(
        self, out: Path, database: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._out = out
        self._database = database
        self._transaction = transaction
        database.create_function("clash_key", 1, clash_key, deterministic=True)
        database.create_function("outdated", 1, outdated, deterministic=True)
        database.execute("CREATE TEMP TABLE named (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def claim(self, written: Iterable[str], kept: Iterable[str]) -> None:
        """Note which pictures a run is about to write, and which it keeps; none of them is missing.

        A row whose pictures are overwritten stays, but is not ``done`` any more.
        """
        written = list(written)
        with self._transaction():
            if written:
                self._name(written)
                self._database.execute(_OUTDATE)
                self._database.executemany(_REGISTER, ((path, None) for path in written))
            if self._database.execute(_ANY_MISSING).fetchone():
                self._name(kept)
                self._database.execute(_STAYS)

    def note_written(self, paths: Iterable[str]) -> None:
        """Note the sizes of files that are written now, outside of any other transaction."""
        with self._transaction():
            self.note_sizes(paths)

    def note_sizes(self, written: Iterable[str]) -> None:
        """Register pictures that are written, with their sizes; inside the caller's transaction."""
        self._database.executemany(_REGISTER, ((path, self._size(path)) for path in written))

    def note_missing(self, in_input: Iterable[str]) -> None:
        """Every picture but those of the frames that the input holds is missing, from now on."""
        with self._transaction():
            self._name(in_input)
            self._database.execute(_IS_MISSING, (_text(datetime.now(UTC)),))

    def missing(self, since: datetime | None = None) -> list[Picture]:
        """The pictures whose frame was not in the input of the last whole run, or not since ``since``."""
        limit = _text(since) if since else ""
        with self._transaction():
            return [Picture(*one) for one in self._database.execute(_MISSING, (limit, limit))]

    def forget(self, paths: Iterable[str]) -> None:
        """Strike pictures that are deleted off the register. The frames' rows stay."""
        with self._transaction():
            self._database.executemany("DELETE FROM pictures WHERE path = ?", ((path,) for path in paths))

    def _name(self, paths: Iterable[str]) -> None:
        self._database.execute("DELETE FROM temp.named")
        self._database.executemany(
            "INSERT OR IGNORE INTO temp.named VALUES (?)", ((clash_key(path),) for path in _given(paths))
        )

    def _size(self, path: str) -> int | None:
        try:
            return (self._out / path).stat().st_size
        except FileNotFoundError:
            return None


def _given(paths: Iterable[str]) -> Iterator[str]:
    return (path for path in paths if path)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
