"""From the paths that the user gave to the list of frames."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from blastoseg.errors import InputNotFoundError, counted
from blastoseg.records import AboutEmbryo, FrameRef, TimeReference
from blastoseg.sources.addresses import Plane, SharpestOf
from blastoseg.sources.belonging import Belonging, name_owners
from blastoseg.sources.containers import Container, Contents, list_contents
from blastoseg.sources.embryo_table import read_embryo_table
from blastoseg.sources.focal import Moment, check_choice, choose_planes
from blastoseg.sources.gathering import Gathering
from blastoseg.sources.hours import interval_of
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.shots import Shot
from blastoseg.sources.shown import AS_THEY_ARE, Shown


@dataclass(frozen=True, slots=True)
class Problem:
    """A source that yields no frame, and why, in words: one failed row."""

    ref: FrameRef
    reason: str


@dataclass(slots=True)
class Discovery:
    """Everything found. ``ignored`` counts files that are no frames; ``notes`` are for the log.

    ``settling`` are the files that may still be being written, left for the next run; ``remarks`` what a
    person must know of the lab's tables, ``table_sha256`` which one it was.
    """

    refs: list[FrameRef] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored: int = 0
    notes: list[str] = field(default_factory=list)
    settling: set[Path] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    table_sha256: str = ""


def discover_frames(
    paths: Sequence[Path],
    options: SourceOptions,
    contents_of: Callable[[Container], Contents] = list_contents,
    shown: Shown = AS_THEY_ARE,
) -> Discovery:
    """Find every frame below the paths; no pixel of a picture file is decoded.

    ``contents_of`` opens the files that hold many frames: here, or in a process with limits.
    ``shown`` gives the names in all that is found and said of it; the order is that of the names themselves.
    Embryos come in natural order, each with its frames in order of time and ``frame_index`` from 0. Raises
    InputNotFoundError for a path that is missing or holds no frames, UsageError for a focal plane that
    nothing has, and for a table of embryos that is none.
    """
    options.chosen_plane()
    if not paths:
        raise InputNotFoundError("no path given: name a folder of images, a video, a stack or a slide file")
    table = read_embryo_table(options.embryos, shown)
    gathering = Gathering(options, contents_of, shown)
    for path in paths:
        gathering.gather(path)
    gathering.tell_equal_sources_apart()
    name_owners(gathering.shots_of, gathering.names)
    gathering.set_hours()
    ids = gathering.embryos.unique_ids()
    belonging = Belonging(ids, table, shown)
    embryos = list(ids.values())
    check_choice(embryos, options)
    planes = {plane for embryo in embryos for shots in embryo.moments.values() for plane in shots}
    only_plane = next(iter(planes)) if len(planes) == 1 else None
    discovery = Discovery(
        ignored=gathering.ignored,
        notes=gathering.notes,
        settling=gathering.settling,
        remarks=[*belonging.remarks, *gathering.remarks],
        table_sha256=table.sha256,
    )
    for embryo_id, embryo in ids.items():
        moments, note = choose_planes(embryo, only_plane, options)
        if note:
            discovery.notes.append(f"{shown.of_name(embryo_id)}: {note}")
        known = _Known(shown.of_name(embryo_id), belonging.of(embryo_id), interval_of(embryo, options))
        _number(discovery, known, moments)
    if not discovery.refs and not discovery.problems:
        raise InputNotFoundError(
            f"{shown.of_path(paths[0])}: {counted(len(discovery.settling), 'file')} changed less than "
            f"{options.settle_s:g} s ago and may still be being written: run again later, or with --settle 0"
        )
    return discovery


@dataclass(frozen=True, slots=True)
class _Known:
    """What all frames of an embryo share; ``interval_h`` lies between them where the user says so."""

    embryo_id: str
    about: AboutEmbryo
    interval_h: float


def _number(discovery: Discovery, known: _Known, moments: list[Moment]) -> None:
    """Take up an embryo's pictures; those of one moment, which follow each other, share its number."""
    for index, (_, pictures) in enumerate(groupby(moments, key=lambda moment: moment[0])):
        for _, shot, alternatives in pictures:
            settling = {Path(one.path) for one in (shot, *alternatives) if one.is_settling}
            if settling:
                discovery.settling |= settling
                continue
            ref = _ref_of(known, index, shot, alternatives)
            if shot.problem:
                discovery.problems.append(Problem(ref, shot.problem))
            else:
                discovery.refs.append(ref)


def _ref_of(known: _Known, index: int, shot: Shot, alternatives: list[Shot]) -> FrameRef:
    time_h, reference = shot.time_h, shot.time_reference
    if not math.isnan(known.interval_h):
        time_h, reference = index * known.interval_h, TimeReference.RECORDING
    return FrameRef(
        embryo_id=known.embryo_id,
        source=shot.source,
        path=Path(shot.path),
        frame_index=index,
        address=_sharpest_of(alternatives) if alternatives else shot.address,
        focal_plane=shot.plane,
        time_h=time_h,
        time_reference=reference,
        um_per_px=shot.um_per_px,
        um_per_px_source=shot.um_per_px_source,
        about=known.about,
    )


def _sharpest_of(shots: list[Shot]) -> SharpestOf:
    folder = os.path.dirname(shots[0].path)  # noqa: PTH120 (this runs for every frame)
    return SharpestOf(
        tuple(
            Plane(shot.plane, shot.source, os.path.relpath(shot.path, folder or "."), shot.address)
            for shot in shots
        )
    )
