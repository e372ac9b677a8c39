"""What travels between the stages: frames, crops, segmentations, results."""

import math
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from blastoseg.columns import Measures, with_undefined

Image = NDArray[np.uint8] | NDArray[np.uint16]
"""One gray channel, ``(y, x)``, origin top-left."""
Labels = NDArray[np.uint8]
"""Tissue label values, ``(y, x)``: 0 background, 1 ICM, 2 blastocoel, 3 TE, 4 ZP."""
Mask = NDArray[np.bool_]
Probabilities = NDArray[np.float32]
"""``(channel, y, x)`` in inside-out channel order, summing to 1 over the channels."""


class TimeReference(StrEnum):
    """What ``time_h`` counts from."""

    INSEMINATION = "insemination"
    RECORDING = "recording"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """What became of a frame."""

    OK = "ok"
    REVIEW = "review"
    EXCLUDED = "excluded"
    FAILED = "failed"


class Flag(StrEnum):
    """What a person must know before believing a row."""

    NO_EMBRYO = "no_embryo"
    NOT_BLASTOCYST = "not_blastocyst"
    SEVERAL_EMBRYOS = "several_embryos"
    TOUCHES_BORDER = "touches_border"
    DAMAGED_FILE = "damaged_file"
    OUT_OF_FOCUS = "out_of_focus"
    LOW_CONTRAST = "low_contrast"
    LOW_CONFIDENCE = "low_confidence"
    ICM_NOT_VISIBLE = "icm_not_visible"
    TE_INCOMPLETE = "te_incomplete"
    ZP_NOT_VISIBLE = "zp_not_visible"
    HATCHING = "hatching"
    IMPLAUSIBLE_SIZE = "implausible_size"
    UNCALIBRATED = "uncalibrated"


class Address(Protocol):
    """Where in its file a frame is: one of ``sources.addresses``."""

    @property
    def key(self) -> str:
        """Text that tells the frame apart from all others of its source, the same in every version."""


@dataclass(frozen=True, slots=True)
class AboutEmbryo:
    """What a lab tells of an embryo beside its frames, empty where it tells nothing.

    The fields are the columns of ``columns.LAB_COLUMNS``; ``insemination_time`` is ISO 8601 without a zone.
    """

    patient: str = ""
    dish: str = ""
    insemination_time: str = ""
    fate: str = ""
    lab_expansion: int | None = None
    lab_icm: str = ""
    lab_te: str = ""

    def told(self) -> dict[str, Any]:
        """The fields that are not empty, by name."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value not in ("", None)}


NOTHING_TOLD = AboutEmbryo()


@dataclass(frozen=True, slots=True)
class FrameRef:
    """Where one frame is, before any pixel is read.

    ``source`` is relative to what the user gave, with ``/`` separators; ``path`` is the file itself.
    ``um_per_px`` is what the file's own metadata say, NaN where they say nothing. ``address`` says where in
    the file the frame is (a video's frame, a slide file's row): its reader's, opaque to all others.
    """

    embryo_id: str
    source: str
    path: Path
    frame_index: int
    address: Address
    focal_plane: int | None = None
    time_h: float = math.nan
    time_reference: TimeReference = TimeReference.UNKNOWN
    um_per_px: float = math.nan
    um_per_px_source: str = ""
    about: AboutEmbryo = NOTHING_TOLD


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture's pixels. ``damage`` says what makes one doubt that its file is whole, mostly nothing."""

    image: Image
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame. ``ref`` may know more than before (a burned-in clock, the best plane).

    ``damage`` is that of ``Decoded``.
    """

    ref: FrameRef
    image: Image
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A square window of a frame, in frame pixels; it may reach beyond the frame's border."""

    y: int
    x: int
    side: int


@dataclass(frozen=True, slots=True)
class Location:
    """What was found in a frame: the box of the embryo to measure (None: no embryo) and its surroundings."""

    box: Box | None
    embryo_count: int = 0
    score: float = math.nan


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The network's answer for one crop: ``probabilities`` at the network's input size."""

    probabilities: Probabilities
    box: Box


@dataclass(frozen=True, slots=True)
class Corrected:
    """How a person corrected a frame's labels: drawn or carried; which tissues, by key; who and when, UTC."""

    how: str
    tissues: tuple[str, ...]
    by: str
    at: str

    def columns(self) -> dict[str, str]:
        """What stands in ``columns.CORRECTION_COLUMNS``."""
        return {
            "corrected": self.how,
            "corrected_tissues": ";".join(self.tissues),
            "corrected_by": self.by,
            "corrected_at": self.at,
        }


AS_THE_NETWORK_SAID = Corrected("", (), "", "")


@dataclass(slots=True)
class FrameResult:
    """One row of the report, and where its pictures lie (relative to OUT).

    ``pixels`` tells the frame's decoded image from any other, empty where none was read. ``measures``
    become those of all columns, undefined where none is given; ValueError for one that no column
    declares.
    """

    ref: FrameRef
    status: Status
    flags: tuple[Flag, ...] = ()
    reason: str = ""
    um_per_px: float = math.nan
    um_per_px_source: str = ""
    measures: Measures = field(default_factory=dict)
    mask_file: str = ""
    overlay_file: str = ""
    pixels: str = ""
    corrected: Corrected = AS_THE_NETWORK_SAID

    def __post_init__(self) -> None:
        self.measures = with_undefined(self.measures)

    def row(self) -> dict[str, Any]:
        """The identifying columns followed by the measures, in the order of ``columns.FRAME_COLUMNS``."""
        return {
            "embryo_id": self.ref.embryo_id,
            "source": self.ref.source,
            "frame_index": self.ref.frame_index,
            "focal_plane": self.ref.focal_plane,
            "time_h": self.ref.time_h,
            "time_reference": str(self.ref.time_reference),
            "status": str(self.status),
            "flags": ";".join(self.flags),
            "reason": self.reason,
            "um_per_px": self.um_per_px,
            "um_per_px_source": self.um_per_px_source,
            "mask": self.mask_file,
            "overlay": self.overlay_file,
            **self.corrected.columns(),
            **self.measures,
        }
