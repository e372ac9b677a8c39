"""One frame on its way into another tool's format."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pandas as pd

from blastoseg.records import Image, Labels

TOLD = (
    *("embryo_id", "source", "frame_index", "focal_plane", "time_h", "time_reference"),
    *("status", "flags", "um_per_px", "corrected"),
)
"""What an export tells of each frame: columns of ``frames.csv``, of those that it has."""


@dataclass(frozen=True, slots=True)
class ExportedFrame:
    """A frame with its labels ``(y, x)``, and its pixels where the format takes them.

    ``name`` is ``<embryo>/<frame>`` without a suffix, safe on any system and no other frame's. ``group`` is
    the patient, where one is known, else the embryo.
    """

    name: PurePosixPath
    row: Mapping[str, Any]
    group: str
    labels: Labels
    image: Image | None = None

    @property
    def pixels(self) -> Image:
        """The image ``(y, x)`` of the size of the labels. ValueError where none was read."""
        if self.image is None:
            raise ValueError(f"{self.name}: was read without its pixels")
        return self.image

    @property
    def time_h(self) -> float:
        """NaN where it is not known."""
        return self._number("time_h")

    @property
    def um_per_px(self) -> float:
        """NaN where it is not known."""
        return self._number("um_per_px")

    def _number(self, name: str) -> float:
        value = self.row.get(name)
        return math.nan if value is None or pd.isna(value) else float(value)

    def told(self) -> dict[str, Any]:
        """``TOLD`` as plain values for JSON; what is undefined is None."""
        known = {name: self.row[name] for name in TOLD if name in self.row}
        return {name: None if pd.isna(value) else value for name, value in known.items()}


class Exporter(Protocol):
    """Writes frames into a folder that nobody sees before all are written."""

    def add(self, frame: ExportedFrame) -> str:
        """Write a frame; empty, or why it was left out, in words that follow its name."""

    def finish(self) -> None:
        """Write what belongs to all frames together."""


def place_of(folder: Path, frame: ExportedFrame, suffix: str) -> Path:
    """``folder/<embryo>/<frame><suffix>``, the embryo's folder made."""
    path = folder / frame.name.parent / (frame.name.name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
