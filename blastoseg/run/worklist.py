"""What a run has to do: which of the frames found are to be scored, and which no run has seen before."""

from collections.abc import Container, Iterator
from typing import Any

from blastoseg.files import clash_key
from blastoseg.records import FrameRef
from blastoseg.run.journal import FrameKey, FrameKeys, Journal, ScoredWith
from blastoseg.run.request import RunRequest
from blastoseg.sources import Discovery, Problem


class WorkList:
    """The frames of a run, each with its key in the ledger, and what becomes of them.

    ``to_score`` are those without a result of the same weights and settings, ``waiting`` those of them that
    are not finished yet, ``kept`` the pictures of all others.
    """

    def __init__(self, found: Discovery, by_content: bool) -> None:
        keys, keys_of_problems = FrameKeys(by_content), FrameKeys(by_content)
        self.frames: list[tuple[FrameRef, FrameKey]] = [(ref, keys.of(ref)) for ref in found.refs]
        self.problems: list[tuple[Problem, FrameKey]] = [
            (problem, keys_of_problems.of(problem.ref)) for problem in found.problems
        ]
        self.to_score: list[tuple[FrameRef, FrameKey]] = []
        self.waiting: set[FrameKey] = set()
        self.kept: list[str] = []
        self._new: set[FrameKey] = set()

    def choose(
        self, journal: Journal, scored_with: ScoredWith, request: RunRequest, there: Container[str]
    ) -> None:
        """Choose what is to be scored; ``there`` are the pictures on the disk, as ``is_done`` asks."""
        self._new = set(journal.unseen(key for _, key in (*self.frames, *self.problems)))
        self.to_score = [
            (ref, key)
            for ref, key in self.frames
            if request.fresh or not journal.is_done(scored_with, key, request.overlays, there)
        ]
        self.waiting = {key for _, key in self.to_score}
        done = (key for _, key in self.frames if key not in self.waiting)
        self.kept = list(journal.pictures_of(scored_with, done))

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
        self, journal: Journal, scored_with: ScoredWith, there: Container[str]
    ) -> Iterator[dict[str, Any]]:
        """The reported frames' rows, in order. Where a frame stands may have changed since it was scored.

        A picture that is not ``there``, because somebody deleted it, is not named.
        """
        reported = self.reported
        rows = journal.rows(scored_with, (key for _, key in reported))
        for (ref, _), row in zip(reported, rows, strict=True):
            place = {"embryo_id": ref.embryo_id, "frame_index": ref.frame_index}
            gone = {kind: "" for kind in ("mask", "overlay") if clash_key(row[kind]) not in there}
            yield row | place | gone
