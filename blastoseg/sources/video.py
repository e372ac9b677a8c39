"""Videos exported by a time-lapse viewer: AVI, Motion JPEG, well and hours burned into the bottom corners.

The frame rate is that of playback and is not used. The viewer's clock does not say what it counts from:
``time_reference`` is ``unknown``.
"""

import math
from dataclasses import replace
from pathlib import Path

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Frame, FrameRef, TimeReference
from blastoseg.sources.addresses import VideoFrame
from blastoseg.sources.avi import AviError, index_frames
from blastoseg.sources.burned_in import read_hours, read_well
from blastoseg.sources.decode import decode_picture
from blastoseg.sources.images import LARGEST_FILE, unreadable
from blastoseg.sources.shots import Shot
from blastoseg.sources.wells import Well, one_problem

SUFFIX = ".avi"
FRAMES_TO_LOOK_AT = 5
"""Frames whose labels are read, when a video is found, to learn its well and whether it has a clock."""


def find_wells(path: str, source: str) -> tuple[list[Well], list[str]]:
    """The video as one well, named by its label if that can be read, and notes; a problem if it is none."""
    try:
        index = index_frames(path)
    except AviError as error:
        return one_problem(source, path, f"{error}: export it again, as Motion JPEG AVI"), []
    except OSError as error:
        return one_problem(source, path, str(unreadable("", error)).removeprefix(": ")), []
    notes = [f"{source}: the video is cut short; its last frame may be damaged"] if index.is_cut_short else []
    well = Well()
    for offset, length in index.frames[:: max(1, len(index.frames) // FRAMES_TO_LOOK_AT)]:
        try:
            image = decode_picture(_read_bytes(Path(path), offset, length, source), source).image
        except UnreadableFrameError:
            continue
        number = read_well(image)
        well.has_clock |= not math.isnan(read_hours(image))
        well.name = well.name or ("" if number is None else f"Well {number}")
        if well.name and well.has_clock:
            break
    if not well.has_clock:
        notes.append(f"{source}: no hours could be read from its frames; --frame-interval gives them")
    well.shots = [
        (position, -1, Shot(source, path, VideoFrame(position, offset, length, well.has_clock)))
        for position, (offset, length) in enumerate(index.frames)
    ]
    return [well], notes


def read_video_frame(ref: FrameRef, at: VideoFrame) -> Frame:
    """Decode one frame; its hours are those on its burned-in clock, NaN where that cannot be read."""
    name = f"{ref.source}, frame {at.number}"
    decoded = decode_picture(_read_bytes(ref.path, at.offset, at.length, name), name)
    if at.has_clock:
        ref = replace(ref, time_h=read_hours(decoded.image), time_reference=TimeReference.UNKNOWN)
    return Frame(ref, decoded.image, decoded.damage)


def _read_bytes(path: Path, offset: int, length: int, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(min(length, LARGEST_FILE))
    except OSError as error:
        raise unreadable(name, error) from error
