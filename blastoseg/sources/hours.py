"""Which of an embryo's sources of hours counts: the precedence, in this one place.

The first of these that tells any hours of an embryo gives them all, because two clocks in one series would
make its course wrong; frames that it does not tell have none.

0. the insemination time in the lab's table of embryos, where each picture tells when it was taken
1. the table ``<video>_timeElapsed.csv``
2. the recording's own clock: a slide file's times, the clock burned into a video
3. the hours in the names of the files (``[naming] time``)
4. frame by frame, the clock burned into a picture; one that cannot be read gives no hours
5. ``--frame-interval``
6. the time step that a stack's metadata tell
"""

import math
from dataclasses import replace
from pathlib import Path

from blastoseg.errors import counted
from blastoseg.records import Decoded, Frame, FrameRef, TimeReference
from blastoseg.sources.addresses import VideoFrame, WholeImage
from blastoseg.sources.burned_in import read_clock_of_still
from blastoseg.sources.elapsed import read_elapsed
from blastoseg.sources.names import NO_HOURS, NO_RUN
from blastoseg.sources.numbers import can_be_insemination, hours
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.shots import Embryo
from blastoseg.sources.shown import Shown


def set_hours(
    embryo: Embryo, table: Path | None, options: SourceOptions, shown: Shown
) -> tuple[list[str], int]:
    """Give hours to the embryo's pictures as far as they are known before any pixel is read.

    Returns what a person must know of the table, and how many moments lack the hours that their names should
    carry.
    """
    remarks: list[str] = []
    if table is not None:
        try:
            hours = read_elapsed(table)
        except ValueError as error:
            remarks.append(
                f"{shown.of_path(table)}: cannot be used, {shown.of_name(embryo.name)} has no hours from it"
                + shown.detail(f": {error}")
            )
        else:
            missing = _set_from_table(embryo, hours)
            if missing:
                remarks.append(
                    f"{shown.of_path(table)}: tells no hours for {counted(missing, 'frame')} "
                    f"of {shown.of_name(embryo.name)}"
                )
            return remarks, 0
    if embryo.has_clock:
        return remarks, 0
    unnamed = 0
    if options.naming.time:
        unnamed = sum(
            key.hours == NO_HOURS and any(isinstance(shot.address, WholeImage) for shot in planes.values())
            for key, planes in embryo.moments.items()
        )
        if _set_from_names(embryo, TimeReference(options.naming.time_reference)):
            return remarks, unnamed
    for planes in embryo.moments.values():
        for shot in planes.values():
            if isinstance(shot.address, WholeImage):
                shot.address = WholeImage(look_for_clock=True)
    return remarks, unnamed


def count_from_insemination(embryo: Embryo, day: float) -> bool | None:
    """Let the hours of pictures that tell when they were taken count from an insemination, in their days.

    None where no picture tells; False, and nothing changed, where the insemination cannot be theirs.
    """
    shots = [shot for planes in embryo.moments.values() for shot in planes.values()]
    days = [shot.clock_day for shot in shots if not math.isnan(shot.clock_day)]
    if not days:
        return None
    if not can_be_insemination(day, min(days), max(days)):
        return False
    for shot in shots:
        shot.time_h = hours((shot.clock_day - day) * 24)
        is_known = not math.isnan(shot.time_h)
        shot.time_reference = TimeReference.INSEMINATION if is_known else TimeReference.UNKNOWN
    return True


def interval_of(embryo: Embryo, options: SourceOptions) -> float:
    """Hours between frames where the user gave them and the source has no clock; NaN otherwise."""
    if options.frame_interval_h is None or embryo.has_clock:
        return math.nan
    return options.frame_interval_h


def with_burned_in_hours(ref: FrameRef, decoded: Decoded) -> Frame:
    """The frame with the hours of the clock burned into it, where it has one and nothing stronger counts."""
    hours = None
    if isinstance(ref.address, WholeImage) and ref.address.look_for_clock:
        hours = read_clock_of_still(decoded.image)
    if hours is not None:
        ref = replace(ref, time_h=hours, time_reference=TimeReference.UNKNOWN)
    return Frame(ref, decoded.image, decoded.damage)


def _set_from_names(embryo: Embryo, reference: TimeReference) -> bool:
    if all(key.hours == NO_HOURS for key in embryo.moments):
        return False
    embryo.has_clock = True
    for key, planes in embryo.moments.items():
        for shot in planes.values():
            shot.time_h = math.nan if key.hours == NO_HOURS else key.hours
            shot.time_reference = TimeReference.UNKNOWN if key.hours == NO_HOURS else reference
    return True


def _set_from_table(embryo: Embryo, hours: dict[int, float]) -> int:
    """Give the table's hours; returns how many frames it does not tell of."""
    embryo.has_clock = True
    by_position = sorted(hours) if len(hours) == len(embryo.moments) else []
    missing = 0
    for position, (key, planes) in enumerate(sorted(embryo.moments.items())):
        index = key.run
        if index == NO_RUN and by_position:
            index = by_position[position]
        missing += index not in hours
        for shot in planes.values():
            if isinstance(shot.address, VideoFrame):
                shot.address = replace(shot.address, has_clock=False)
            shot.time_h = hours.get(index, math.nan)
            shot.time_reference = TimeReference.RECORDING if index in hours else TimeReference.UNKNOWN
    return missing
