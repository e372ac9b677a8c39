"""A finished run, read again from its output folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import EMBRYO_COLUMNS, EVENT_COLUMNS, REPORTED_FRAME_COLUMNS
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.records import Labels
from blastoseg.report.dataset import read_long_table
from blastoseg.report.overlay import read_overlay
from blastoseg.report.tables import read_csv
from blastoseg.sources.label_images import read_label_image

Row: TypeAlias = "Mapping[str, Any] | pd.Series[Any]"
"""A row of ``frames`` or ``embryos``: a Series, or a dict."""


@dataclass(frozen=True)
class Run:
    """What a finished run wrote into ``out``, made by ``Run.open``; nothing is changed there.

    The tables are those of the CSV files, typed, with the columns of docs/columns.md; what is undefined is
    missing in them (NaN or ``pd.NA``). ``frames`` has a row a frame.
    """

    out: Path
    frames: pd.DataFrame

    @classmethod
    def open(cls, out: str | Path) -> "Run":
        """Read the output folder of a run.

        Raises InputNotFoundError where there is no report, OutputError where it is damaged or another
        version's; so do ``embryos`` and ``events`` when they are first asked for.
        """
        folder = Path(out)
        return cls(folder, read_long_table(folder, "frames", REPORTED_FRAME_COLUMNS))

    @cached_property
    def embryos(self) -> pd.DataFrame:
        """One row an embryo."""
        return read_csv(self.out / "embryos.csv", EMBRYO_COLUMNS)

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event of an embryo."""
        return read_csv(self.out / "events.csv", EVENT_COLUMNS)

    def mask(self, row: Row) -> Labels:
        """The label image ``(y, x)`` of a row of ``frames``, or of an embryo's standing frame.

        0 background, 1 ICM, 2 blastocoel, 3 TE, 4 ZP. Raises InputNotFoundError where the row has none, or
        it was deleted, and UnreadableFrameError where it is damaged.
        """
        path = self._picture(row, "mask")
        return read_label_image(path, str(path))

    def overlay(self, row: Row) -> NDArray[np.uint8]:
        """The overlay of a row, red, green and blue, ``(y, x, 3)``.

        Raises InputNotFoundError as ``mask`` does, and OutputError where it is damaged.
        """
        path = self._picture(row, "overlay")
        overlay = read_overlay(path, cv2.IMREAD_COLOR_RGB)
        if overlay is None:
            raise OutputError(f"{path}: cannot be read as an image: run blastoseg again")
        return overlay

    def _picture(self, row: Row, kind: Literal["mask", "overlay"]) -> Path:
        named = row.get(kind)
        if not isinstance(named, str) or not named:
            what = f"the row of {row.get('embryo_id', 'no embryo')}, {row.get('source', 'no file')}"
            raise InputNotFoundError(
                f"{self.out}: {what}, names no {kind}: nothing was found in the frame, or none was written"
            )
        path = self.out / named
        # A table that somebody changed must not lead elsewhere.
        if not path.resolve().is_relative_to(self.out.resolve()):
            raise OutputError(f"{path}: lies outside {self.out}: the table was changed: run blastoseg again")
        if not path.is_file():
            raise InputNotFoundError(f"{path}: is gone: run blastoseg on its frames again")
        return path
