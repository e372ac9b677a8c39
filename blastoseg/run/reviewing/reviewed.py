"""The report that is looked at: which frame of which embryo is which row of the ledger."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg.columns import BY_NAME
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.report.dataset import read_long_table
from blastoseg.report.film import Window
from blastoseg.report.manifest import read_manifest
from blastoseg.report.review.page import key_of
from blastoseg.report.review.written import read_list
from blastoseg.report.tables import plain_text
from blastoseg.run.corrections.folder import identity_mark
from blastoseg.run.corrections.record import FrameIdentity
from blastoseg.run.journal.shown import ShownFrame, shown_frames
from blastoseg.run.outputs import CORRECTIONS, OutputFolder
from blastoseg.settings import Quality

_USED = [BY_NAME[name] for name in ("embryo_id", "frame_index", "time_h", "mask", "overlay")]
_MARK = re.compile(r"-([0-9a-f]{12})-[0-9a-f]{8}\.\w+$")


@dataclass(frozen=True, slots=True)
class ReviewedFrame:
    """A frame of the page: its embryo's key, its place there, its row in the report and in the ledger."""

    embryo: str
    place: int
    frame_index: int
    time_h: float
    shown: ShownFrame

    @property
    def identity(self) -> FrameIdentity:
        """The frame as corrections know it."""
        return FrameIdentity(self.shown.key.source, self.shown.key.address)


class ReviewedReport:
    """The report in ``out`` as it is now; ``stamp`` tells it from one that a later run wrote.

    Raises InputNotFoundError without a report or a page, OutputError for a damaged one.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.stamp = stamp_of(out)
        if not (OutputFolder(out).review / "index.html").is_file():
            raise InputNotFoundError(
                f"{out}: has no page to look at: run blastoseg on it with review_page on"
            )
        table = read_long_table(out, "frames", _USED)
        self._rows_of = {str(name): rows for name, rows in table.groupby("embryo_id", sort=False)}
        self._shown = shown_frames(out)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """``run.json``: what the report was made with."""
        return read_manifest(OutputFolder(self.out).manifest)

    @property
    def thresholds(self) -> Quality:
        """The thresholds of the report's flags."""
        thresholds: Quality = self.manifest["settings"].quality
        return thresholds

    @cached_property
    def _names(self) -> dict[str, str]:
        """Embryos' names in the tables, by their keys on the page."""
        entries = [one.entry for one in read_list(OutputFolder(self.out).review).values()]
        names = [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
        return {key_of(name): plain_text(name) for name in names}

    @cached_property
    def _by_mark(self) -> dict[str, ShownFrame]:
        return {
            identity_mark(FrameIdentity(one.key.source, one.key.address)): one for one in self._shown.values()
        }

    def frame(self, key: str, place: int) -> ReviewedFrame:
        """A frame of the page, by its embryo's key and its place there.

        InputNotFoundError for one that the report does not have, and one without a picture.
        """
        rows = self._of(key)
        if not 0 <= place < len(rows):
            raise InputNotFoundError(f"frame {place} of this embryo is not in the report")
        row = rows.iloc[place]
        shown = self._find(row["overlay"]) or self._find(row["mask"])
        if shown is None:
            raise InputNotFoundError(
                f"frame {place}: has no overlay that can be corrected: run blastoseg with overlays"
            )
        return ReviewedFrame(
            key, place, frame_index=int(row["frame_index"]), time_h=float(row["time_h"]), shown=shown
        )

    def window(self, key: str) -> Window:
        """The part of an embryo's frames that its film shows. OutputError for another version's page."""
        path = OutputFolder(self.out).review / "data" / f"{key}.js"
        self._of(key)
        try:
            text = path.read_text("ascii")
            _, data = json.loads(f"[{text[text.index('(') + 1 : text.rindex(')')]}]")
            return Window(*map(float, data["film"]["window"]))
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise OutputError(f"{path}: is another version's, or damaged: run blastoseg again") from error

    def masks_of(self, key: str) -> list[str]:
        """The label images that the report names for the frames of an embryo, empty where it names none."""
        return [mask if isinstance(mask, str) else "" for mask in self._of(key)["mask"]]

    def _of(self, key: str) -> pd.DataFrame:
        rows = self._rows_of.get(self._names.get(key, ""))
        if rows is None:
            raise InputNotFoundError("this embryo is not in the report")
        return rows

    def _find(self, picture: object) -> ShownFrame | None:
        if not isinstance(picture, str):
            return None
        if picture.startswith(f"{CORRECTIONS}/"):
            mark = _MARK.search(picture)
            return self._by_mark.get(mark[1]) if mark else None
        return self._shown.get(picture)


def stamp_of(out: Path) -> str:
    """What tells a report from another one in its place. InputNotFoundError where there is none."""
    path = OutputFolder(out).frames_csv
    if not path.exists():
        # Of a report whose frames are in Parquet: written after them.
        path = OutputFolder(out).manifest
    try:
        found = path.stat()
    except OSError as error:
        raise InputNotFoundError(f"{path}: cannot be read: run blastoseg on this folder first") from error
    return hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
