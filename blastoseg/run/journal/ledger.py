"""The ledger in OUT, ``journal.sqlite``: every scored frame, and every run that ever worked there.

A frame's row stands under what it was scored with, so that results of other weights or settings stay beside
and are never mixed. Rows are written in batches, each one transaction, flushed to the disk: a run that is
killed loses the last batch at most. The history of runs only grows: triggers see to it.
"""

import json
import sqlite3
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

from blastoseg.errors import OutputError
from blastoseg.files import UNFINISHED_MARK, clash_key, flush_folders, remove_unfinished, valid_text
from blastoseg.records import FrameResult, Status
from blastoseg.run.journal.history import JOURNAL_FILE
from blastoseg.run.journal.keys import FrameKey, ScoredWith
from blastoseg.run.journal.pictures import PictureRegister, outdated
from blastoseg.run.journal.rows import as_row, stored_frame
from blastoseg.run.journal.schema import (
    StoredFrame,
    bring_up_to_date,
    damaged,
    explaining,
    run_digest,
    texts,
)
from blastoseg.sources.names import printable

_ROWS_A_BATCH = 64
_SECONDS_A_BATCH = 5.0
_WAIT_FOR_OTHERS_S = 30.0

_RECORD = """
INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET content = excluded.content, place = excluded.place, status = excluded.status,
    row = excluded.row, mask_file = excluded.mask_file, overlay_file = excluded.overlay_file,
    around = excluded.around, digest = excluded.digest
"""
_OUTDATE = """
UPDATE frames SET content = outdated(content)
WHERE weights = ? AND settings = ? AND stages = ? AND source = ? AND address = ?
"""
_SELECT_MARKS = "SELECT details FROM run_events WHERE event = 'marked'"
_SELECT_LAST = """
SELECT MAX(run), MAX(run) IN (
    SELECT run FROM run_events WHERE event = 'ended' AND details NOT LIKE '{"error":%'
) FROM run_events
"""
_SELECT_SEEN = """
SELECT 1 FROM frames WHERE weights = ? AND settings = ? AND stages = ? AND source = ? AND address = ?
    AND content IN (?, ?, ?, ?)
"""
_KEYS_A_QUERY = 256
_SELECT_SEVERAL = """
WITH asked(number, source, address) AS (VALUES {asked})
SELECT asked.number, frames.* FROM asked CROSS JOIN frames
WHERE weights = ? AND settings = ? AND stages = ? AND frames.source = asked.source
    AND frames.address = asked.address
"""
_SELECT_ALL = (
    "SELECT source, address FROM frames WHERE weights = ? AND settings = ? AND stages = ? "
    "ORDER BY place, source, address"
)


class Journal:
    """Context manager over ``OUT/journal.sqlite``, for the one thread that opened it, under the lock.

    Opening raises OutputError where the ledger cannot be opened, is damaged, or comes from a newer version.
    Leaving the block writes what was recorded, also after an error.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / JOURNAL_FILE
        self._waiting: list[StoredFrame] = []
        self._last_flush = time.monotonic()
        self._database: sqlite3.Connection
        self.pictures: PictureRegister

    def __enter__(self) -> Self:
        with explaining(self._path):
            self._database = sqlite3.connect(self._path, timeout=_WAIT_FOR_OTHERS_S, isolation_level=None)
            try:
                self._database.execute("PRAGMA journal_mode = TRUNCATE")
                self._database.execute("PRAGMA synchronous = FULL")
                bring_up_to_date(self._database, self._path)
                self.pictures = PictureRegister(self._out, self._database, self._transaction)
            except BaseException:
                self._database.close()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.flush()
        finally:
            self._database.close()

    def start_run(self, details: dict[str, Any]) -> int:
        """Note that a run starts; returns its number. Sweeps up after the runs before it.

        What they left has their processes' marks in its name: no file of anybody else is touched. After one
        that ended well it can only be a folder in OUT itself that could not be deleted.
        """
        with explaining(self._path):
            number, has_ended_well = self._database.execute(_SELECT_LAST).fetchone()
            marked = self._database.execute(_SELECT_MARKS).fetchall()
            number = 0 if number is None else number
            if not isinstance(number, int):
                raise sqlite3.DatabaseError(f"a run of number {number!r:.40}")
        try:
            marks = {json.loads(mark)["unfinished"] for (mark,) in marked}
        except (ValueError, LookupError, TypeError) as error:
            raise damaged(self._path, error) from error
        self._note(number + 1, "marked", {"unfinished": UNFINISHED_MARK})
        self._note(number + 1, "started", details)
        if marks:
            remove_unfinished(self._out, marks, is_deep=not has_ended_well)
        return number + 1

    def end_run(self, number: int, outcome: dict[str, Any]) -> None:
        """Note that run ``number`` ended, and how: counts, exit code."""
        self.flush()
        self._note(number, "ended", outcome)

    def done(
        self,
        scored_with: ScoredWith,
        keys: Sequence[FrameKey],
        with_overlay: bool = False,
        there: Container[str] | None = None,
    ) -> Iterator[StoredFrame | None]:
        """For each key the row of this very content; None without one.

        Also None for a row of a failed frame: it is worth another try. ``with_overlay`` asks for a row whose
        overlay was written too; ``there``, the ``clash_key`` of every picture on the disk, for one whose
        pictures are still among them.
        """
        for key, found in zip(keys, self.stored_of(scored_with, keys), strict=True):
            if found is None or found.status == Status.FAILED or found.content not in key.contents:
                yield None
                continue
            asked = (found.mask_file, found.overlay_file) if with_overlay else (found.mask_file,)
            is_there = there is None or all(clash_key(path) in there for path in asked if path)
            yield found if is_there and (found.overlay_file or not with_overlay) else None

    def stored_of(self, scored_with: ScoredWith, keys: Iterable[FrameKey]) -> Iterator[StoredFrame | None]:
        """Each frame's row as it stands in the ledger, whatever its content; None where there is none.

        Raises OutputError for one that is not as it was written.
        """
        way = _parameters(scored_with)
        remaining = iter(keys)
        while some := list(islice(remaining, _KEYS_A_QUERY)):
            query = _SELECT_SEVERAL.format(asked=", ".join(["(?, ?, ?)"] * len(some)))
            asked = chain.from_iterable((number, *_named(key)) for number, key in enumerate(some))
            with explaining(self._path):
                found = {row[0]: row[1:] for row in self._database.execute(query, (*asked, *way))}
            for number in range(len(some)):
                yield self._checked(found[number]) if number in found else None

    def unseen(self, keys: Iterable[FrameKey]) -> Iterator[FrameKey]:
        """The keys whose content no run has a row of, whatever it was scored with."""
        with explaining(self._path):
            asked_for = list(keys)
            ways = self._ways() if asked_for else []
            for key in asked_for:
                contents = [known for one in key.contents for known in (one, outdated(one))]
                asked = ((*way, *_named(key), *contents) for way in ways)
                if not any(self._database.execute(_SELECT_SEEN, one).fetchone() for one in asked):
                    yield key

    def claim_pictures(self, scored_with: ScoredWith, keys: Iterable[FrameKey]) -> None:
        """Note that the frames' pictures are about to be written anew, with ``scored_with``.

        The rows of these frames that were scored with anything else stay, but are not ``done`` any more:
        their masks and overlays on the disk are no longer theirs.
        """
        own = _parameters(scored_with)
        if not (keys := list(keys)):
            return
        with self._transaction():
            others = [way for way in self._ways() if way != own]
            frames = [_named(key) for key in keys] if others else []
            for other in others:
                self._database.executemany(_OUTDATE, [(*other, *frame) for frame in frames])

    def record(self, scored_with: ScoredWith, key: FrameKey, result: FrameResult, around: str = "") -> None:
        """Remember a frame's result, in place of an earlier one of the same frame and ``scored_with``.

        ``around`` is what came from around the frame when its pictures were made. Written with the next
        batch. Raises OutputError where the disk refuses, ValueError for an infinite measure.
        """
        self._waiting.append(stored_frame(scored_with, key, result, around))
        if len(self._waiting) >= _ROWS_A_BATCH or time.monotonic() - self._last_flush > _SECONDS_A_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was recorded since the last batch, as one transaction."""
        if self._waiting:
            written = [path for row in self._waiting for path in (row.mask_file, row.overlay_file) if path]
            # What a row names is on the disk before the row is.
            self._flush_names(written)
            with self._transaction():
                self._database.executemany(_RECORD, self._waiting)
                self.pictures.note_sizes(written)
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
        with explaining(self._path):
            if keys is None:
                yield from map(as_row, self.all_stored(scored_with))
                return
        yield from (as_row(one) for one in self.stored_of(scored_with, keys) if one is not None)

    def all_stored(self, scored_with: ScoredWith) -> Iterator[StoredFrame]:
        """Every frame's row as it stands in the ledger, by embryo and frame index in natural order.

        Raises OutputError for one that is not as it was written.
        """
        with explaining(self._path):
            # Whole rows would be sorted in a file as large as the ledger.
            in_order = self._database.execute(_SELECT_ALL, _parameters(scored_with))
            named = (texts(self._path, one) for one in in_order)
            keys = (FrameKey(source, address, "") for source, address in named)
            for row in self.stored_of(scored_with, keys):
                if row is None:
                    raise damaged(self._path, "a frame is listed, and has no row")
                yield row

    def put(self, rows: Iterable[StoredFrame]) -> None:
        """Write rows as they are: of frames that stand elsewhere by now, or from another ledger."""
        sealed = [row.sealed() for row in rows]
        if sealed:
            with self._transaction():
                self._database.executemany(_RECORD, sealed)

    def _ways(self) -> list[tuple[str, ...]]:
        """Every set of weights, settings and stages that there are rows of."""
        return self._database.execute("SELECT DISTINCT weights, settings, stages FROM frames").fetchall()

    def _note(self, number: int, event: str, details: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        noted = (number, now, event, json.dumps(details, allow_nan=False, sort_keys=True))
        with self._transaction():
            self._database.execute(
                "INSERT INTO run_events (run, at, event, details, digest) VALUES (?, ?, ?, ?, ?)",
                (*noted, run_digest(*noted)),
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explaining(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _flush_names(self, pictures: Iterable[str]) -> None:
        try:
            flush_folders((self._out / path).parent for path in pictures)
        except OSError as error:
            raise OutputError(f"{self._out}: cannot be written ({error.strerror}): check the disk") from error

    def _checked(self, found: tuple[str, ...]) -> StoredFrame:
        row = StoredFrame(*found)
        if not row.is_whole:
            raise damaged(self._path, f"the row of {printable(str(row.source))} is not as it was written")
        return row


def _parameters(scored_with: ScoredWith) -> tuple[str, ...]:
    return scored_with.weights_sha256, scored_with.settings_digest, scored_with.stages


def _named(key: FrameKey) -> tuple[str, str]:
    # A file name that is no valid Unicode reaches us with lone surrogates, which SQLite refuses.
    return valid_text(key.source), valid_text(key.address)
