"""What comes from around a frame, beside what comes from its pixels.

The ledger keeps what the pixels tell: measures in pixels, the hours of a burned-in clock, the plane chosen as
the sharpest. Embryo, frame index, focal plane, hours, pixel size, patient and whatever else a lab tells of an
embryo come from the folders, names, tables and options of today: they are put to it anew at every report.
"""

import json
import math
from collections.abc import Container
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from blastoseg.files import clash_key
from blastoseg.records import (
    NOTHING_TOLD,
    AboutEmbryo,
    Flag,
    FrameRef,
    FrameResult,
    Status,
    TimeReference,
)
from blastoseg.settings import Quality
from blastoseg.sources import refs_to_choose_from
from blastoseg.sources.addresses import WholeImage
from blastoseg.stages import with_pixel_size


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a frame's pixels do not tell.

    ``time_h`` counts where no clock burned into them does, ``focal_plane`` where they do not choose one.
    """

    embryo_id: str
    frame_index: int
    focal_plane: int | None
    time_h: float
    time_reference: str
    um_per_px: float
    um_per_px_source: str
    pixels_choose_plane: bool
    about: AboutEmbryo = NOTHING_TOLD

    @classmethod
    def of(cls, ref: FrameRef, um_per_px: float, um_per_px_source: str) -> "Surroundings":
        """Those of a frame that was found, with the pixel size that counts."""
        return cls(
            embryo_id=ref.embryo_id,
            frame_index=ref.frame_index,
            focal_plane=ref.focal_plane,
            time_h=ref.time_h,
            time_reference=str(ref.time_reference),
            um_per_px=um_per_px,
            um_per_px_source=um_per_px_source,
            pixels_choose_plane=len(refs_to_choose_from(ref)) > 1,
            about=ref.about,
        )

    @classmethod
    def from_text(cls, text: str) -> "Surroundings":
        """Those that ``as_text`` wrote."""
        values: dict[str, Any] = json.loads(text)
        undefined = {name: math.nan for name in ("time_h", "um_per_px") if values[name] is None}
        about = AboutEmbryo(**values.pop("about", {}))
        return cls(**values | undefined, about=about)

    def as_text(self) -> str:
        """Strict JSON, the same for equal surroundings."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values["about"] = self.about.told()
        if not values["about"]:
            del values["about"]
        for name in ("time_h", "um_per_px"):
            values[name] = None if math.isnan(values[name]) else values[name]
        return json.dumps(values, allow_nan=False)


def pixels_alone(ref: FrameRef) -> FrameRef:
    """The ref as a reader is to see it: hours and pixel size that it comes back with are from the pixels."""
    return replace(
        ref, time_h=math.nan, time_reference=TimeReference.UNKNOWN, um_per_px=math.nan, um_per_px_source=""
    )


def result_of(row: dict[str, Any], ref: FrameRef) -> FrameResult:
    """The result in pixels that stands in a row of the ledger, of the frame ``ref``."""
    read = replace(
        pixels_alone(ref),
        source=row["source"],
        time_h=row["time_h"],
        time_reference=TimeReference(row["time_reference"]),
        focal_plane=row["focal_plane"],
    )
    probe = FrameResult(read, Status(row["status"]))
    return replace(
        probe,
        flags=tuple(Flag(flag) for flag in row["flags"].split(";") if flag),
        reason=row["reason"],
        measures={name: row[name] for name in probe.measures},
        mask_file=row["mask"],
        overlay_file=row["overlay"],
        pixels=row.get("pixels", ""),
    )


def placed(result: FrameResult, around: Surroundings, thresholds: Quality) -> FrameResult:
    """A result in pixels with what comes from around its frame: its row in the report."""
    read = result.ref
    has_clock = not math.isnan(read.time_h)
    ref = replace(
        read,
        embryo_id=around.embryo_id,
        frame_index=around.frame_index,
        focal_plane=read.focal_plane if around.pixels_choose_plane else around.focal_plane,
        time_h=read.time_h if has_clock else around.time_h,
        time_reference=read.time_reference if has_clock else TimeReference(around.time_reference),
        about=around.about,
    )
    whole = replace(result, ref=ref)
    return with_pixel_size(whole, thresholds, around.um_per_px, around.um_per_px_source)


def placed_row(row: dict[str, Any], around: Surroundings, thresholds: Quality) -> FrameResult:
    """The placed result of a row of the ledger alone, where nobody looks for the frame's file."""
    ref = FrameRef(
        embryo_id=around.embryo_id,
        source=row["source"],
        path=Path(row["source"]),
        frame_index=around.frame_index,
        address=WholeImage(),
        about=around.about,
    )
    return placed(result_of(row, ref), around, thresholds)


def reported_row(result: FrameResult, there: Container[str]) -> dict[str, Any]:
    """A result's row, and under ``about`` what the lab tells of the embryo.

    A run's picture that is not ``there``, the ``clash_key`` of all on the disk, is not named.
    """
    row = result.row() | {"about": result.ref.about}
    if result.corrected.how:
        return row  # with pictures that were read just now
    return row | {kind: "" for kind in ("mask", "overlay") if clash_key(row[kind]) not in there}
