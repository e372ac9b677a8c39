"""What a run has to do: which of the frames found are to be scored, and which no run has seen before."""

import hashlib
from collections.abc import Container, Iterator, Mapping
from itertools import repeat
from typing import Any

from blastoseg.records import FrameRef, FrameResult
from blastoseg.report.pictures import PictureWriter
from blastoseg.run.corrections.standing import Standing
from blastoseg.run.journal import FrameKey, FrameKeys, Journal, KnownBy, ScoredWith, StoredFrame, as_row
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import Surroundings, placed, reported_row, result_of
from blastoseg.run.unchanged import made_of_frame
from blastoseg.sources import Discovery, Problem, refs_to_choose_from


class WorkList:
    """The frames of a run, each with its key in the ledger, and what becomes of them.

    ``to_score`` are those without a result of the same weights and settings, or with pictures that belong
    elsewhere by now; ``waiting`` those of them that are not finished yet, ``kept`` the others' pictures.
    """

    def __init__(self, found: Discovery, request: RunRequest) -> None:
        self._request = request
        known_by = KnownBy.BYTES if request.by_content else KnownBy.SAMPLE
        keys, keys_of_problems = FrameKeys(known_by), FrameKeys(known_by)
        self.frames: list[tuple[FrameRef, FrameKey]] = [(ref, keys.of(ref)) for ref in found.refs]
        self.problems: list[tuple[Problem, FrameKey]] = [
            (problem, keys_of_problems.of(problem.ref)) for problem in found.problems
        ]
        self.to_score: list[tuple[FrameRef, FrameKey]] = []
        self.waiting: set[FrameKey] = set()
        self.kept: list[str] = []
        self._new: set[FrameKey] = set()
        self._made_of = b""
        self._ref_at = {(ref.embryo_id, ref.frame_index): ref for ref in found.refs}

    def seen(self) -> Iterator[tuple[FrameRef, str]]:
        """Each frame with size and time of its files."""
        if self._request.by_content:
            by_time = FrameKeys(KnownBy.TIME)
            return ((ref, by_time.of(ref).content) for ref, _ in self.frames)
        return ((ref, key.content_before_samples) for ref, key in self.frames)

    def choose(
        self, journal: Journal, scored_with: ScoredWith, pictures: PictureWriter, there: Mapping[str, str]
    ) -> None:
        """Choose what is to be scored; ``there`` are the pictures on the disk."""
        self.to_score, self.kept = [], []
        made_of = hashlib.sha256()
        keys = [key for _, key in self.frames]
        done: Iterator[StoredFrame | None] = repeat(None)
        if not self._request.fresh:
            done = journal.done(scored_with, keys, self._request.overlays, there)
        unknown = [key for _, key in self.problems]
        for (ref, key), stored in zip(self.frames, done, strict=False):
            if stored is None:
                unknown.append(key)
            around = self.around(ref).as_text()
            if stored is None or not self._is_as_now(ref, stored, around, pictures):
                self.to_score.append((ref, key))
            else:
                made_of.update(made_of_frame(stored, around, there))
                self.kept += [path for path in (stored.mask_file, stored.overlay_file) if path]
        self.waiting = {key for _, key in self.to_score}
        self._made_of = b"" if self.to_score or self.problems else made_of.digest()
        self._new = set(journal.unseen(unknown))

    def around(self, ref: FrameRef) -> Surroundings:
        """What comes from around a frame that was found."""
        return Surroundings.of(ref, *self._request.pixel_size(ref))

    def around_read(self, read: FrameRef) -> Surroundings:
        """What comes from around a frame that was read: its own ref tells what its pixels do."""
        return self.around(self._ref_at[read.embryo_id, read.frame_index])

    def made_of(self, journal: Journal, scored_with: ScoredWith, there: Mapping[str, str]) -> bytes:
        """The digest of what the reported frames' rows follow from; ``there`` are the pictures there."""
        if self._made_of:
            return self._made_of
        made_of = hashlib.sha256()
        journal.flush()
        reported = self.reported
        rows = journal.stored_of(scored_with, [key for _, key in reported])
        for (ref, _), stored in zip(reported, rows, strict=True):
            if stored is not None:
                made_of.update(made_of_frame(stored, self.around(ref).as_text(), there))
        return made_of.digest()

    def _is_as_now(self, ref: FrameRef, stored: StoredFrame, around: str, pictures: PictureWriter) -> bool:
        """Whether a frame's pictures are as they would be made now: where they lie, what stands on them."""
        if stored.around == around and len(refs_to_choose_from(ref)) == 1:
            # The same stands on them: most frames of most nights.
            return pictures.lie_where_written(ref, stored.mask_file, stored.overlay_file)
        _, drawn, now = self._then_and_now(ref, stored)
        return pictures.has_mask(now) and (not self._request.overlays or pictures.has_overlay(drawn, now))

    def _then_and_now(
        self, ref: FrameRef, stored: StoredFrame
    ) -> tuple[StoredFrame, FrameResult, FrameResult]:
        """A frame's row as it goes on, its result when its pictures were made, and its result now."""
        around = self.around(ref)
        result = result_of(as_row(stored), ref)
        thresholds = self._request.settings.quality
        now = placed(result, around, thresholds)
        text = around.as_text()
        if not stored.around or stored.around == text:
            return stored, now, now
        then = placed(result, Surroundings.from_text(stored.around), thresholds)
        return stored._replace(around=text), then, now

    @property
    def reported(self) -> list[tuple[FrameRef, FrameKey]]:
        """The frames that have a row, in the order of the report."""
        finished = [(ref, key) for ref, key in self.frames if key not in self.waiting]
        return finished + [(problem.ref, key) for problem, key in self.problems]

    @property
    def new_found(self) -> int:
        """How many of all frames are new, or changed, since every run before."""
        return len(self._new)

    @property
    def new(self) -> int:
        """How many of the reported frames are."""
        return sum(key in self._new for _, key in self.reported)

    def rows(
        self,
        journal: Journal,
        scored_with: ScoredWith,
        pictures: PictureWriter,
        there: Container[str],
        corrections: Standing,
    ) -> Iterator[dict[str, Any]]:
        """The reported frames' rows, in order, with what comes from around each frame now, and corrections.

        A picture that is not ``there``, because somebody deleted it, is not named, and no overlay on which
        something else stands than would now.
        """
        moved = []
        journal.flush()
        reported = self.reported
        rows = journal.stored_of(scored_with, [key for _, key in reported])
        for (ref, key), stored in zip(reported, rows, strict=True):
            if stored is None:
                raise ValueError(f"{ref.source}: was scored, and has no row")
            row, drawn, now = self._then_and_now(ref, stored)
            if not pictures.has_overlay(drawn, now):
                row, now.overlay_file = row._replace(overlay_file=""), ""
            if row.content == key.content_before_samples:
                row = row._replace(content=key.content)
            if row != stored:
                moved.append(row)
            yield reported_row(corrections.over(now, row), there)
        journal.put(moved)
