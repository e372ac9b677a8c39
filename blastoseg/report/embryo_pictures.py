"""The pictures that show an embryo: its standing frame, and its frames at tSB, tB, tEB and the last."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Status
from blastoseg.report.gathered import Batch, GatheredTables
from blastoseg.report.overlay import RGB, draw_thumbnail, name_of, read_overlay, write_small
from blastoseg.sources.label_images import read_label_image

log = logging.getLogger(__name__)

STRIP_EVENTS = ("tSB", "tB", "tEB")
LABEL_HEIGHT = 16
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
MEASURED = (Status.OK.value, Status.REVIEW.value)


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a frame's mask and overlay lie, and what is written under the frame.

    ``unread`` takes the names of those that are gone or damaged when they are to be shown.
    """

    mask: Path
    overlay: Path
    label: str = ""
    unread: set[str] = field(default_factory=set, compare=False, repr=False)

    def thumbnail(self, side: int) -> RGB | None:
        """The embryo in a white square; None, and a line in the log, where a picture is gone or damaged."""
        overlay = read_overlay(self.overlay, cv2.IMREAD_COLOR_RGB)
        if overlay is None:
            log.warning("%s: cannot be read: the report goes without it", self.overlay.name)
            self.unread.add(name_of(self.overlay))
            return None
        try:
            labels = read_label_image(self.mask, self.mask.name)
        except UnreadableFrameError as error:
            log.warning("%s: the report goes without it", error)
            self.unread.add(name_of(self.mask))
            return None
        return draw_thumbnail(overlay, labels, side)


@dataclass(frozen=True, slots=True)
class EmbryoPictures:
    """``standing`` is the frame whose values an embryo's row shows; ``strip`` its course, in order."""

    standing: Pictures | None = None
    strip: tuple[Pictures, ...] = ()

    def drawn_strip(self, side: int) -> RGB | None:
        """The strip side by side, each picture ``side`` wide with its label below; None without any."""
        drawn = [
            _labelled(small, one.label) for one in self.strip if (small := one.thumbnail(side)) is not None
        ]
        return np.hstack(drawn) if drawn else None


def pictures_of(tables: GatheredTables, root: Path, unread: set[str]) -> dict[str, EmbryoPictures]:
    """The pictures of every embryo by its id, below ``root``; only those that the tables name.

    ``unread`` is the one of all of them.
    """
    names = ["embryo_id", "frame_index", "status", "time_h", "mask", "overlay"]
    return {
        embryo: found
        for batch in tables.batches(names)
        for embryo, found in _of_batch(batch, root, unread).items()
    }


def _of_batch(tables: Batch, root: Path, unread: set[str]) -> dict[str, EmbryoPictures]:
    shown = tables.frames.astype({"mask": object, "overlay": object}).fillna({"mask": "", "overlay": ""})
    places: dict[str, dict[int, tuple[Any, ...]]] = {}
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for embryo, index, *rest in shown.itertuples(index=False, name=None):
        places.setdefault(embryo, {})[index] = tuple(rest)
        if rest[0] in MEASURED:
            first.setdefault(embryo, index)
            last[embryo] = index
    reached: dict[str, dict[str, int]] = {}
    events = tables.events[
        tables.events["event"].isin(STRIP_EVENTS) & tables.events["first_after_frame"].notna()
    ]
    for embryo, event, index in events[["embryo_id", "event", "first_after_frame"]].itertuples(
        index=False, name=None
    ):
        reached.setdefault(embryo, {})[event] = int(index)
    standing = tables.embryos[["embryo_id", "mask", "overlay"]].fillna("").itertuples(index=False, name=None)
    found = {}
    for embryo, mask, overlay in standing:
        own = reached.get(embryo, {})
        # Where the course began before the first frame, this is the earliest that there is to see.
        start = [] if "tSB" in own else [("first", first.get(embryo))]
        moments = [*start, *((event, own.get(event)) for event in STRIP_EVENTS), ("last", last.get(embryo))]
        strip = _strip(places.get(embryo, {}), moments, root, unread)
        whole = Pictures(root / mask, root / overlay, unread=unread) if mask and overlay else None
        found[str(embryo)] = EmbryoPictures(whole, strip)
    return found


def _strip(
    frames: dict[int, tuple[Any, ...]],
    moments: Iterable[tuple[str, int | None]],
    root: Path,
    unread: set[str],
) -> tuple[Pictures, ...]:
    strip = []
    for name, index in moments:
        _, hours, mask, overlay = frames.get(-1 if index is None else index, ("", np.nan, "", ""))
        if mask and overlay:
            label = f"{name} {hours:.1f} h" if pd.notna(hours) else name
            strip.append(Pictures(root / mask, root / overlay, label, unread=unread))
    return tuple(strip)


def _labelled(picture: RGB, label: str) -> RGB:
    below = np.full((LABEL_HEIGHT, picture.shape[1], 3), 255, np.uint8)
    write_small(below, label, (3, LABEL_HEIGHT - 4), (40, 40, 40))
    return np.vstack([picture, below])


def encoded(picture: RGB, settings: Sequence[int] = JPEG) -> bytes:
    """A small JPEG."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], settings)
    return data.tobytes()
