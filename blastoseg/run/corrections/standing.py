"""The corrections in OUT as a report takes them: each over its frame's row, measured anew."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from blastoseg.columns import BY_NAME
from blastoseg.errors import BlastosegError, OutputError, UnreadableFrameError, counted, some_of
from blastoseg.records import FrameResult, Labels, Status
from blastoseg.report.dataset import has_long_table, read_long_table
from blastoseg.report.pictures import caption, encode_label_image
from blastoseg.report.tables import plain_text
from blastoseg.run.corrections.drawing import draw_correction, plain_frame
from blastoseg.run.corrections.folder import (
    Kept,
    read_corrections,
    read_labels,
    save_correction,
)
from blastoseg.run.corrections.record import FrameIdentity, Record, in_words
from blastoseg.run.journal import StoredFrame, up_to_date
from blastoseg.settings import Quality
from blastoseg.stages import measure_label_image

log = logging.getLogger(__name__)

_Frame = tuple[str, int]
_ROWS_A_LOOK = 10_000


class Standing:
    """The corrections in ``out``; what ``over`` was asked for decides what ``notes`` tells.

    ``report_before`` is the table of frames that a report overwrites.
    ``is_hidden``: names are under pseudonyms, so that whoever corrected stays unnamed in the tables.
    """

    def __init__(self, out: Path, thresholds: Quality, is_hidden: bool, report_before: Path) -> None:
        self._out, self._thresholds, self._is_hidden = out, thresholds, is_hidden
        found = read_corrections(out)
        self._kept = found.kept
        self._problems = list(found.problems)
        self._changed: list[Record] = []
        self._before = dict.fromkeys(_corrected_in(report_before), False)
        """The frames that were corrected in the report before, and whether this one has them."""
        self._corrected: set[_Frame] = set()
        self.replaced: list[str] = []
        """The network's pictures of corrected frames: kept, so that a correction can be undone."""

    def over(self, now: FrameResult, stored: StoredFrame) -> FrameResult:
        """A frame's placed result with its correction in place of what the network said, if one stands.

        ``stored`` is the frame's row in the ledger.
        """
        frame = _named(now)
        if self._before and _shown(frame) in self._before:
            self._before[_shown(frame)] = True
        kept = self._kept.get(FrameIdentity(stored.source, stored.address))
        if kept is None or now.status is Status.FAILED:
            return now
        if not kept.record.is_of(up_to_date(stored.content), now.pixels):
            self._changed.append(kept.record)
            return now
        try:
            labels = read_labels(self._out, kept)
        except UnreadableFrameError as error:
            self._problems.append(f"{error}: the network's labels count: restore it, or correct it again")
            return now
        result = corrected_result(now, labels, kept.record, self._thresholds, is_hidden=self._is_hidden)
        kept = self._with_caption(kept, labels, now, result)
        self.replaced += [path for path in (now.mask_file, now.overlay_file) if path]
        self._corrected.add(frame)
        overlay_file = kept.overlay_file if (self._out / kept.overlay_file).is_file() else ""
        return replace(result, mask_file=kept.mask_file, overlay_file=overlay_file)

    def notes(self) -> Iterator[str]:
        """What a person must know, after all rows were asked for."""
        yield from self._problems
        if self._changed:
            yield (
                f"{counted(len(self._changed), 'correction')} of frames whose files changed since, not used: "
                f"{some_of(in_words(self._changed))}: correct them again, or withdraw them"
            )
        changed = {(one.embryo, one.frame_index) for one in self._changed}
        still = set(map(_shown, self._corrected | changed))
        if lost := [one for one, is_reported in self._before.items() if is_reported and one not in still]:
            frames = some_of([f"{embryo}, frame {index}" for embryo, index in lost])
            yield (
                f"{counted(len(lost), 'frame')} of the report before no longer corrected, the network's "
                f"labels count: withdrawn, or the files are gone: {frames}"
            )

    def _with_caption(self, kept: Kept, labels: Labels, now: FrameResult, result: FrameResult) -> Kept:
        """The correction with an overlay on which stands what would now: hours and status may change."""
        words = caption(result)
        is_there = kept.overlay_file and (self._out / kept.overlay_file).is_file()
        if is_there and kept.record.caption == words:
            return kept
        try:
            gray = plain_frame(self._out, now.mask_file, now.overlay_file)
            drawn = draw_correction(gray, labels, words)
            record = kept.record.model_copy(update={"caption": words})
            return save_correction(self._out, record, encode_label_image(labels), drawn, before=kept)
        except (UnreadableFrameError, OutputError) as error:
            log.warning("the overlay of a correction is as it was before: %s", error)
            return kept


def corrected_result(
    now: FrameResult, labels: Labels, record: Record, thresholds: Quality, *, is_hidden: bool
) -> FrameResult:
    """The row of a frame's corrected labels, as ``blastoseg measure`` gives it; without pictures.

    ``now`` is what the network's would be: whose frame, hours and pixel size are the same.
    """
    source = now.um_per_px_source
    result = measure_label_image(now.ref, labels, thresholds, now.um_per_px, um_per_px_source=source)
    return replace(result, pixels=now.pixels, corrected=record.told(is_hidden))


def _named(result: FrameResult) -> _Frame:
    return result.ref.embryo_id, result.ref.frame_index


def _shown(frame: _Frame) -> _Frame:
    """A frame as a table shows it."""
    return plain_text(frame[0]), frame[1]


def _corrected_in_parquet(out: Path) -> list[_Frame]:
    names = ("embryo_id", "frame_index", "corrected")
    try:
        read = read_long_table(out, "frames", [BY_NAME[name] for name in names])
    except BlastosegError:
        return []
    corrected = read[(read["corrected"].fillna("") != "").to_numpy(bool)]
    return [(embryo, int(index)) for embryo, index, _ in corrected.itertuples(index=False)]


def _corrected_in(table: Path) -> list[_Frame]:
    """The frames that a report names as corrected; none where there is no report that can be read."""
    names = ["embryo_id", "frame_index", "corrected"]
    found: list[_Frame] = []
    if not table.is_file() and has_long_table(table.parent, table.stem):
        return _corrected_in_parquet(table.parent)
    try:
        with pd.read_csv(
            table, usecols=names, dtype=str, keep_default_na=False, chunksize=_ROWS_A_LOOK
        ) as parts:
            for part in parts:
                corrected = part.loc[part["corrected"] != "", names[:2]]
                found += [(embryo, int(index)) for embryo, index in corrected.itertuples(index=False)]
    except (OSError, ValueError):
        return []
    return found
