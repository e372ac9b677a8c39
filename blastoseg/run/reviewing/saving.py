"""What the served page asks for: pictures and labels of a frame, and to keep or withdraw a correction."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blastoseg.anatomy.carrying import carry_tissue
from blastoseg.errors import DataError, InputNotFoundError, OutputError, UnreadableFrameError
from blastoseg.files import valid_text
from blastoseg.records import FrameResult, Labels
from blastoseg.report.film import outlines_in
from blastoseg.report.pictures import caption, encode_label_image
from blastoseg.report.plain import Gray
from blastoseg.report.review.embryo import frame_data
from blastoseg.run.corrections.drawing import draw_correction, network_labels, plain_frame
from blastoseg.run.corrections.folder import (
    Kept,
    read_corrections,
    read_labels,
    save_correction,
    withdraw_correction,
)
from blastoseg.run.corrections.record import TISSUES, Record, Tissue
from blastoseg.run.corrections.standing import corrected_result
from blastoseg.run.journal import OutputLock, StoredFrame, as_row, up_to_date
from blastoseg.run.journal.shown import row_of
from blastoseg.run.outputs import CORRECTIONS
from blastoseg.run.reviewing.reviewed import ReviewedFrame, ReviewedReport, stamp_of
from blastoseg.run.surroundings import Surroundings, placed_row
from blastoseg.tissues import FOREGROUND

NONE = ""
"""The revision of a frame that has no correction."""


class ChangedMeanwhileError(Exception):
    """What somebody looks at is no longer as it was when it was loaded."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Labels to be kept, and whose they are; ``revision`` is that of the correction they were drawn over."""

    labels: Labels
    by: str
    revision: str = NONE
    carried_from: tuple[int, ...] = ()


class Reviewer:
    """Everything that is done with the report in ``out``. Reads without the lock, writes under it.

    Frames are asked for by their embryo's key and their place on the page. Raises InputNotFoundError for a
    frame that there is not, UnreadableFrameError for pictures that are gone, OutputError for a folder that is
    damaged, or a disk that refuses.
    """

    def __init__(self, out: Path) -> None:
        self.out = out.absolute()
        self._report = ReviewedReport(self.out)
        self._told: dict[tuple[tuple[str, str], str], dict[str, Any]] = {}

    @property
    def report(self) -> ReviewedReport:
        """The report as it is now, read anew after a run wrote another."""
        if self._report.stamp != stamp_of(self.out):
            self._report = ReviewedReport(self.out)
            self._told.clear()
        return self._report

    def plain(self, key: str, place: int) -> Gray:
        """The gray frame without paint, as large as its overlay."""
        shown = self.report.frame(key, place).shown
        return plain_frame(self.out, shown.mask_file, shown.overlay_file)

    def labels(self, key: str, place: int, of_network: bool) -> Labels:
        """A frame's labels ``(y, x)`` as they count now, or as the network gave them."""
        frame = self.report.frame(key, place)
        kept = None if of_network else self._standing(frame, self._kept(frame))
        return read_labels(self.out, kept) if kept else self._network(frame)

    def state(self, key: str) -> dict[str, Any]:
        """Every frame of an embryo whose correction the page must know of, by its place.

        Those that are corrected now, and those that were in the report and are no longer.
        """
        report, kept = self.report, read_corrections(self.out).kept
        frames = {}
        for place, mask in enumerate(report.masks_of(key)):
            try:
                frame = report.frame(key, place)
                if frame.identity in kept or mask.startswith(f"{CORRECTIONS}/"):
                    frames[str(place)] = self._told_of(frame, kept.get(frame.identity))
            except (UnreadableFrameError, InputNotFoundError):
                continue  # without a picture there is nothing to correct
        return {"report": report.stamp, "frames": frames}

    def save(self, stamp: str, key: str, place: int, drawn: Drawn) -> dict[str, Any]:
        """Keep a frame's corrected labels, and tell its numbers anew.

        ``stamp`` is the report's that they were drawn on. Raises ChangedMeanwhileError where it, or the
        frame's correction, is another by now, LockedError while a run works on the folder, DataError for
        labels that are none of this frame.
        """
        with self._writing(stamp):
            frame = self.report.frame(key, place)
            before = self._kept(frame)
            _check_revision(before, drawn.revision)
            return self._told_of(frame, self._keep(frame, drawn, before))

    def withdraw(self, stamp: str, key: str, place: int, revision: str) -> dict[str, Any]:
        """Delete a frame's correction, and tell the network's numbers. Raises as ``save`` does."""
        with self._writing(stamp):
            frame = self.report.frame(key, place)
            before = self._kept(frame)
            _check_revision(before, revision)
            if before is not None:
                withdraw_correction(self.out, before)
            return self._told_of(frame, None)

    def carry(self, stamp: str, key: str, places: tuple[int, int], tissue: Tissue, by: str) -> dict[str, Any]:
        """Carry a tissue from two frames drawn by hand to others between; returns the embryo's ``state``.

        ``places`` are those of the two frames. Raises as ``save`` does, DataError where one of them was not
        drawn or lacks the tissue.
        """
        with self._writing(stamp):
            kept = read_corrections(self.out).kept
            first, last = (self.report.frame(key, place) for place in places)
            ends = [self._drawn_labels(frame, kept.get(frame.identity)) for frame in (first, last)]
            indices = (first.frame_index, last.frame_index)
            for frame in self._frames_between(key, *places):
                own = kept.get(frame.identity)
                before = self._standing(frame, own)
                if before and before.record.how == "drawn":
                    continue
                labels = read_labels(self.out, before) if before else self._network(frame)
                carried = _carried(ends, labels, _share(first, frame, last), tissue)
                if (carried != self._network(frame)).any():
                    self._keep(frame, Drawn(carried, by, carried_from=indices), own)
        return self.state(key)

    @contextmanager
    def _writing(self, stamp: str) -> Iterator[None]:
        with OutputLock(self.out):
            if self.report.stamp != stamp:
                raise ChangedMeanwhileError("a run wrote the report anew meanwhile: load the page again")
            yield

    def _keep(self, frame: ReviewedFrame, drawn: Drawn, before: Kept | None) -> Kept:
        network, labels = self._network(frame), drawn.labels
        if labels.shape != network.shape:
            raise DataError(f"labels of {labels.shape} pixels do not fit a frame of {network.shape}")
        tissues = _differing(labels, network)
        if not tissues:
            raise DataError("these are the network's labels: withdraw the correction instead")
        now, stored = self._placed(frame)
        report = self.report
        record = Record(
            embryo=valid_text(now.ref.embryo_id),
            frame_index=frame.frame_index,
            source=stored.source,
            address=stored.address,
            content=up_to_date(stored.content),
            pixels=now.pixels,
            how="carried" if drawn.carried_from else "drawn",
            carried_from=drawn.carried_from,
            tissues=tissues,
            by=drawn.by,
            at=datetime.now(UTC),
            weights=report.manifest["weights"],
            weights_sha256=report.manifest["weights_sha256"],
            labels="-",
            labels_sha256="0" * 64,
        )
        words = caption(corrected_result(now, labels, record, report.thresholds, is_hidden=False))
        gray = plain_frame(self.out, frame.shown.mask_file, frame.shown.overlay_file)
        overlay = draw_correction(gray, labels, words)
        record = record.model_copy(update={"caption": words})
        return save_correction(self.out, record, encode_label_image(labels), overlay, before=before)

    def _told_of(self, frame: ReviewedFrame, kept: Kept | None) -> dict[str, Any]:
        """What the page shows of a frame whose correction is ``kept``, None without one."""
        known = (frame.embryo, str(frame.place)), kept.revision if kept else NONE
        if known not in self._told:
            self._told[known] = self._measured(frame, kept)
        return self._told[known]

    def _measured(self, frame: ReviewedFrame, kept: Kept | None) -> dict[str, Any]:
        now, stored = self._placed(frame)
        told: dict[str, Any] = {"revision": NONE, "problem": ""}
        labels = None
        if kept is not None:
            told = {"revision": kept.revision, "problem": "", "record": _for_page(kept.record)}
            if kept.record.is_of(up_to_date(stored.content), now.pixels):
                labels = read_labels(self.out, kept)
                now = corrected_result(now, labels, kept.record, self.report.thresholds, is_hidden=False)
                now.mask_file, now.overlay_file = kept.mask_file, kept.overlay_file
            else:
                told["problem"] = (
                    "the frame's file changed since it was corrected: the network's labels count"
                )
        shown = self._network(frame) if labels is None else labels
        outlines = outlines_in(shown, self.report.window(frame.embryo))
        return told | {"outlines": outlines} | frame_data(now.row())

    def _placed(self, frame: ReviewedFrame) -> tuple[FrameResult, StoredFrame]:
        """What the network said of a frame, with hours and pixel size, and its row in the ledger."""
        stored = row_of(self.out, frame.shown)
        if not stored.around:
            raise OutputError(f"{self.out}: is of an older version: run blastoseg on it again")
        around = Surroundings.from_text(stored.around)
        return placed_row(as_row(stored), around, self.report.thresholds), stored

    def _network(self, frame: ReviewedFrame) -> Labels:
        return network_labels(self.out, frame.shown.mask_file, frame.shown.overlay_file)

    def _kept(self, frame: ReviewedFrame) -> Kept | None:
        return read_corrections(self.out).kept.get(frame.identity)

    def _standing(self, frame: ReviewedFrame, kept: Kept | None) -> Kept | None:
        """The frame's correction ``kept``, unless the frame is another by now."""
        if kept is None:
            return None
        now, stored = self._placed(frame)
        return kept if kept.record.is_of(up_to_date(stored.content), now.pixels) else None

    def _drawn_labels(self, frame: ReviewedFrame, kept: Kept | None) -> Labels:
        standing = self._standing(frame, kept)
        if standing is None or standing.record.how != "drawn":
            raise DataError(f"frame {frame.frame_index} was not corrected by hand: correct it first")
        return read_labels(self.out, standing)

    def _frames_between(self, key: str, first: int, last: int) -> Iterator[ReviewedFrame]:
        """Those that a correction can be carried to: the others have no picture to draw it on."""
        for place in range(first + 1, last):
            try:
                frame = self.report.frame(key, place)
                self._network(frame)
            except (UnreadableFrameError, InputNotFoundError):
                continue
            yield frame


def _check_revision(before: Kept | None, revision: str) -> None:
    now = before.revision if before else NONE
    if now == revision:
        return
    if before is None:
        raise ChangedMeanwhileError("somebody withdrew this correction meanwhile: load the frame again")
    raise ChangedMeanwhileError(
        f"{before.record.by} saved a correction of this frame meanwhile: load the frame again"
    )


def _differing(labels: Labels, network: Labels) -> tuple[Tissue, ...]:
    label_of = {tissue.key: tissue.label for tissue in FOREGROUND}
    return tuple(key for key in TISSUES if ((labels == label_of[key]) != (network == label_of[key])).any())


def _carried(ends: list[Labels], labels: Labels, share: float, tissue: Tissue) -> Labels:
    before, after = ends
    if not before.shape == after.shape == labels.shape:
        raise DataError("the frames are not of one size: nothing can be carried between them")
    [own] = [one for one in FOREGROUND if one.key == tissue]
    try:
        return carry_tissue(before, after, labels, share, tissue=own)
    except ValueError as error:
        raise DataError(f"{error}: draw it there first") from error


def _share(first: ReviewedFrame, frame: ReviewedFrame, last: ReviewedFrame) -> float:
    """Where a frame lies between two others: by the hours where all are known, else by its place."""
    span = last.time_h - first.time_h
    if span > 0 and first.time_h <= frame.time_h <= last.time_h:
        return (frame.time_h - first.time_h) / span
    return (frame.place - first.place) / (last.place - first.place)


def _for_page(record: Record) -> dict[str, Any]:
    plain = record.plain()
    return {name: plain[name] for name in ("how", "tissues", "by", "at", "carried_from", "weights")}
