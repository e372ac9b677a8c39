"""Decoding one frame, whatever its source. Safe to call from several threads at once."""

from dataclasses import replace
from pathlib import Path

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Frame, FrameRef
from blastoseg.sources.addresses import Plane, SharpestOf, SlidePicture, StackPlane, VideoFrame, WholeImage
from blastoseg.sources.focal import focus_measure
from blastoseg.sources.hours import with_burned_in_hours
from blastoseg.sources.images import read_picture_file
from blastoseg.sources.options import BEST, SourceOptions
from blastoseg.sources.slide import read_picture
from blastoseg.sources.stack import read_plane
from blastoseg.sources.video import read_video_frame


def read_frame(ref: FrameRef, options: SourceOptions) -> Frame:
    """Decode a frame: one gray channel ``(y, x)``, uint8 or uint16.

    The frame's ref may know more than the one given: the hours of a burned-in clock, the plane chosen as the
    sharpest. Raises UnreadableFrameError, which names the file, what is wrong and what to do.
    """
    if options.focal == BEST and isinstance(ref.address, SharpestOf):
        return _read_sharpest(refs_to_choose_from(ref))
    return _read_one(ref)


def refs_to_choose_from(ref: FrameRef) -> list[FrameRef]:
    """The focal planes of a moment whose sharpest is to be read, each as a frame; else the ref alone."""
    if not isinstance(ref.address, SharpestOf):
        return [ref]
    return [
        replace(
            ref,
            focal_plane=plane.focal_plane,
            source=plane.source,
            path=_path_of(plane, ref),
            address=plane.address,
        )
        for plane in ref.address.planes
    ]


def files_of(ref: FrameRef) -> list[Path]:
    """Every file that the frame's pixels may come from, the ref's own first."""
    return list(dict.fromkeys([ref.path, *(one.path for one in refs_to_choose_from(ref))]))


def _path_of(plane: Plane, ref: FrameRef) -> Path:
    return Path(ref.path.parent, plane.path)


def _read_sharpest(planes: list[FrameRef]) -> Frame:
    """Of a moment's planes the sharpest by ``focus_measure``; planes that cannot be read do not count.

    A plane that looks damaged is taken only where no other is whole: damage has sharp edges.
    """
    best: tuple[tuple[bool, float], Frame] | None = None
    problems: list[str] = []
    for candidate in planes:
        try:
            frame = _read_one(candidate)
        except UnreadableFrameError as error:
            problems.append(str(error))
            continue
        rank = not frame.damage, focus_measure(frame.image)
        if best is None or rank > best[0]:
            best = rank, frame
    if best is None:
        raise UnreadableFrameError("; ".join(problems))
    return best[1]


def _read_one(ref: FrameRef) -> Frame:
    match ref.address:
        case WholeImage():
            return with_burned_in_hours(ref, read_picture_file(ref.path, ref.source))
        case VideoFrame() as at:
            return read_video_frame(ref, at)
        case SlidePicture(row):
            decoded = read_picture(ref.path, row, f"{ref.source}, {ref.embryo_id}, picture {row}")
            return Frame(ref, decoded.image, decoded.damage)
        case StackPlane() as at:
            name = f"{ref.source}, image {at.index}" if at.index else ref.source
            return Frame(ref, read_plane(ref.path, at, name))
    raise ValueError(f"no reader for frames at {ref.address!r}")
