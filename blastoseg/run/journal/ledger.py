"""The ledger in OUT, ``journal.sqlite``: every scored frame, and every run that ever worked there.

A frame's row stands under what it was scored with, so that results of other weights or settings stay beside
and are never mixed. Rows are written in batches, each one transaction, flushed to the disk: a run that is
killed loses the last batch at most. The history of runs only grows: triggers see to it.
"""

import json
import sqlite3
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from blastoseg.errors import OutputError
from blastoseg.files import UNFINISHED_MARK, clash_key, remove_unfinished
from blastoseg.records import FrameResult, Status
from blastoseg.run.journal.history import JOURNAL_FILE
from blastoseg.run.journal.keys import FrameKey, ScoredWith
from blastoseg.run.journal.pictures import SCHEMA as PICTURES_SCHEMA
from blastoseg.run.journal.pictures import PictureRegister, outdated
from blastoseg.run.journal.rows import decode_row, encode_row, natural_place, storable

SCHEMA_VERSION = 2
_ROWS_A_BATCH = 64
_SECONDS_A_BATCH = 5.0
_WAIT_FOR_OTHERS_S = 30.0

# No write-ahead log: it needs memory shared between processes, which a network share has not.
_SCHEMA = """
CREATE TABLE frames (
    weights TEXT NOT NULL, settings TEXT NOT NULL, stages TEXT NOT NULL,
    source TEXT NOT NULL, address TEXT NOT NULL, content TEXT NOT NULL, place TEXT NOT NULL,
    status TEXT NOT NULL, row TEXT NOT NULL, mask_file TEXT NOT NULL, overlay_file TEXT NOT NULL,
    PRIMARY KEY (weights, settings, stages, source, address)
) WITHOUT ROWID;
CREATE TABLE run_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL, details TEXT NOT NULL
);
CREATE TRIGGER run_events_stay BEFORE DELETE ON run_events
    BEGIN SELECT RAISE(ABORT, 'runs are never deleted'); END;
CREATE TRIGGER run_events_stand BEFORE UPDATE ON run_events
    BEGIN SELECT RAISE(ABORT, 'runs never change'); END;
"""
# Version 1 knew results by the software's version: they are kept, and are no stages' results.
_FROM_1 = "ALTER TABLE frames RENAME COLUMN software TO stages;"
_RECORD = """
INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET content = excluded.content, place = excluded.place, status = excluded.status,
    row = excluded.row, mask_file = excluded.mask_file, overlay_file = excluded.overlay_file
"""
_OF_ONE = " FROM frames WHERE weights = ? AND settings = ? AND stages = ? AND source = ? AND address = ?"
_OUTDATE = """
UPDATE frames SET content = outdated(content)
WHERE weights = ? AND settings = ? AND stages = ? AND source = ? AND address = ?
"""
_SELECT_KILLED = """
SELECT details FROM run_events
WHERE event = 'marked' AND run NOT IN (SELECT run FROM run_events WHERE event = 'ended')
"""
_SELECT_STATE = "SELECT content, status, mask_file, overlay_file" + _OF_ONE
_SELECT_SEEN = "SELECT 1" + _OF_ONE + " AND content IN (?, ?)"
_SELECT_ROW = "SELECT row, mask_file, overlay_file" + _OF_ONE
_SELECT_ROWS = (
    "SELECT row, mask_file, overlay_file FROM frames WHERE weights = ? AND settings = ? AND stages = ?"
    " ORDER BY place, source, address"
)


class Journal:
    """Context manager over ``OUT/journal.sqlite``, for the one thread that opened it, under the lock.

    Opening raises OutputError where the ledger cannot be opened, is damaged, or comes from a newer version.
    Leaving the block writes what was recorded, also after an error.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / JOURNAL_FILE
        self._waiting: list[tuple[str, ...]] = []
        self._last_flush = time.monotonic()
        self._database: sqlite3.Connection
        self.pictures: PictureRegister

    def __enter__(self) -> Self:
        with self._explained():
            self._database = sqlite3.connect(self._path, timeout=_WAIT_FOR_OTHERS_S, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = TRUNCATE")
            self._database.execute("PRAGMA synchronous = FULL")
            self._create_tables()
            self.pictures = PictureRegister(self._out, self._database, self._transaction)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.flush()
        finally:
            self._database.close()

    def start_run(self, details: dict[str, Any]) -> int:
        """Note that a run starts; returns its number. Sweeps up after a run before it that was killed.

        What such a run left has its process's mark in its name: no file of anybody else is touched.
        """
        with self._explained():
            last = self._database.execute(
                "SELECT event, (SELECT MAX(run) FROM run_events) FROM run_events ORDER BY id DESC LIMIT 1"
            ).fetchone()
            killed = self._database.execute(_SELECT_KILLED).fetchall()
            event, number = last or ("ended", 0)
            marks = _marks_of(killed)
            if not isinstance(number, int):
                raise sqlite3.DatabaseError(f"a run of number {number!r:.40}")
        self._note(number + 1, "marked", {"unfinished": UNFINISHED_MARK})
        self._note(number + 1, "started", details)
        if event != "ended":
            remove_unfinished(self._out, marks)
        return int(number) + 1

    def end_run(self, number: int, outcome: dict[str, Any]) -> None:
        """Note that run ``number`` ended, and how: counts, exit code."""
        self.flush()
        self._note(number, "ended", outcome)

    def is_done(
        self,
        scored_with: ScoredWith,
        key: FrameKey,
        with_overlay: bool = False,
        there: Container[str] | None = None,
    ) -> bool:
        """Whether this very content has a result; a failed one counts as none: it is worth another try.

        ``with_overlay`` asks for one whose overlay was written too; ``there``, the ``clash_key`` of every
        picture on the disk, for one whose pictures are still among them.
        """
        with self._explained():
            found = self._database.execute(_SELECT_STATE, _parameters(scored_with, key)).fetchone()
        if found is None or found[0] != key.content or found[1] == Status.FAILED:
            return False
        mask_file, overlay_file = found[2:]
        if with_overlay and not overlay_file:
            return False
        asked = (mask_file, overlay_file) if with_overlay else (mask_file,)
        return there is None or all(clash_key(path) in there for path in asked if path)

    def unseen(self, keys: Iterable[FrameKey]) -> Iterator[FrameKey]:
        """The keys whose content no run has a row of, whatever it was scored with."""
        with self._explained():
            ways = self._ways()
            for key in keys:
                contents = (key.content, outdated(key.content))
                asked = ((*way, storable(key.source), storable(key.address), *contents) for way in ways)
                if not any(self._database.execute(_SELECT_SEEN, one).fetchone() for one in asked):
                    yield key

    def claim_pictures(self, scored_with: ScoredWith, keys: Iterable[FrameKey]) -> None:
        """Note that the frames' pictures are about to be written anew, with ``scored_with``.

        The rows of these frames that were scored with anything else stay, but are not ``is_done`` any more:
        their masks and overlays on the disk are no longer theirs.
        """
        own = _parameters(scored_with)
        with self._transaction():
            others = [way for way in self._ways() if way != own]
            frames = [(storable(key.source), storable(key.address)) for key in keys] if others else []
            for other in others:
                self._database.executemany(_OUTDATE, [(*other, *frame) for frame in frames])

    def record(self, scored_with: ScoredWith, key: FrameKey, result: FrameResult) -> None:
        """Remember a frame's result, in place of an earlier one of the same frame and ``scored_with``.

        Written with the next batch. Raises OutputError where the disk refuses, ValueError for an infinite
        measure.
        """
        self._waiting.append(
            (
                *_parameters(scored_with, key),
                key.content,
                natural_place(result.ref),
                str(result.status),
                encode_row(result.row()),
                result.mask_file,
                result.overlay_file,
            )
        )
        if len(self._waiting) >= _ROWS_A_BATCH or time.monotonic() - self._last_flush > _SECONDS_A_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was recorded since the last batch, as one transaction."""
        if self._waiting:
            with self._transaction():
                self._database.executemany(_RECORD, self._waiting)
                self.pictures.note_sizes(path for row in self._waiting for path in row[-2:] if path)
            self._waiting.clear()
        self._last_flush = time.monotonic()

    def rows(
        self, scored_with: ScoredWith, keys: Iterable[FrameKey] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Rows of ``columns.FRAME_COLUMNS``; undefined floats are NaN.

        With ``keys``, those frames in that order; a frame without a row is left out, whatever its content.
        Without, every frame, by embryo and frame index in natural order, however many runs it took.
        """
        self.flush()
        with self._explained():
            if keys is None:
                found = self._database.execute(_SELECT_ROWS, _parameters(scored_with))
                yield from (_as_row(*one) for one in found)
                return
            for key in keys:
                one = self._database.execute(_SELECT_ROW, _parameters(scored_with, key)).fetchone()
                if one is not None:
                    yield _as_row(*one)

    def pictures_of(self, scored_with: ScoredWith, keys: Iterable[FrameKey]) -> Iterator[str]:
        """The masks and overlays in the rows of these frames."""
        with self._explained():
            for key in keys:
                found = self._database.execute(_SELECT_STATE, _parameters(scored_with, key)).fetchone()
                yield from (path for path in found[2:] if path)

    def _ways(self) -> list[tuple[str, ...]]:
        """Every set of weights, settings and stages that there are rows of."""
        return self._database.execute("SELECT DISTINCT weights, settings, stages FROM frames").fetchall()

    def _note(self, number: int, event: str, details: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._transaction():
            self._database.execute(
                "INSERT INTO run_events (run, at, event, details) VALUES (?, ?, ?, ?)",
                (number, now, event, json.dumps(details, allow_nan=False, sort_keys=True)),
            )

    def _create_tables(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise OutputError(f"{self._path}: was written by a newer blastoseg: update, or use another --out")
        if version < SCHEMA_VERSION:
            schema = (_FROM_1 if version else _SCHEMA) + PICTURES_SCHEMA
            self._database.executescript(
                f"BEGIN IMMEDIATE; {schema} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(f"{self._path}: cannot be written ({error}): check space and access") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # also of damage in SQLite's own message
            raise OutputError(
                f"{self._path}: is damaged ({error}): move it away and run again; every frame is scored anew"
            ) from error


def _parameters(scored_with: ScoredWith, key: FrameKey | None = None) -> tuple[str, ...]:
    scored = (scored_with.weights_sha256, scored_with.settings_digest, scored_with.stages)
    # A file name that is no valid Unicode reaches us with lone surrogates, which SQLite refuses.
    return scored if key is None else (*scored, storable(key.source), storable(key.address))


def _marks_of(killed: list[tuple[str]]) -> set[str]:
    """The marks in the names of what killed runs left half-written."""
    try:
        return {str(json.loads(marked)["unfinished"]) for (marked,) in killed}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"the mark of a killed run is none: {error}") from error


def _as_row(text: str, mask_file: str, overlay_file: str) -> dict[str, Any]:
    try:
        return decode_row(text) | {"mask": mask_file, "overlay": overlay_file}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"a frame's row is none: {error}") from error
