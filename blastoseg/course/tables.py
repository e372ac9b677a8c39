"""Everything that the course adds to a report, from the frames' own rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from blastoseg.columns import EVENT_COLUMNS, REPORTED_FRAME_COLUMNS, Column, dtypes_of
from blastoseg.course.collapses import Collapse
from blastoseg.course.embryos import embryos_table
from blastoseg.course.episodes import episodes_table
from blastoseg.course.events import Event
from blastoseg.course.evidence import PERSISTENCE
from blastoseg.course.observed import Floats
from blastoseg.course.planes import moments_table, part_planes
from blastoseg.course.series import Series, follow_embryos
from blastoseg.records import AboutEmbryo
from blastoseg.settings import Grades

COLLAPSE = "collapse"
DEFAULT_GRADES = Grades()
NOT_RECOVERED = "not recovered by the last frame"


@dataclass(frozen=True, slots=True)
class CourseTables:
    """``frames`` with the course's columns, a row an embryo, a row an event, a row an episode of doubt.

    Of moments seen in several focal planes ``frames`` has one row, ``planes`` that of each plane, and
    ``moments`` what they say together.
    """

    frames: pd.DataFrame
    embryos: pd.DataFrame
    events: pd.DataFrame
    episodes: pd.DataFrame
    planes: pd.DataFrame
    moments: pd.DataFrame


def course_tables(
    frames: pd.DataFrame,
    recent_h: float = 0.0,
    grades: Grades = DEFAULT_GRADES,
    about: Mapping[str, AboutEmbryo] = MappingProxyType({}),
) -> CourseTables:
    """The tables of a report from that of ``FRAME_COLUMNS``, each embryo's rows in the order of time.

    Nothing depends on any other embryo. Frames and planes keep the index that their rows have.
    ``recent_h``: how long before the latest measured frame the one that stands for an embryo may be.
    ``about``: by embryo what the lab tells of it.
    """
    frames, planes = part_planes(frames)
    followed = follow_embryos(frames, grades)
    reported = _with_course(frames, followed)
    return CourseTables(
        reported,
        embryos_table(frames, followed, recent_h, about),
        _events_table(reported, followed),
        episodes=episodes_table(reported, followed),
        planes=planes,
        moments=moments_table(planes),
    )


def _with_course(frames: pd.DataFrame, followed: list[Series]) -> pd.DataFrame:
    """The frames table with ``STEADY_COLUMNS``; the frames' own columns stay as they are."""
    count = len(frames)
    flags = np.full(count, "", object)
    steady_fields = ("area_px2", "cavity", "zona_px", "extruded", "breached")
    values = {name: np.full(count, np.nan) for name in (*steady_fields, "stage")}
    for series in followed:
        steady = series.steady
        for flag, raised in steady.outliers.items():
            for row in series.rows[raised]:
                flags[row] = f"{flags[row]};{flag}".removeprefix(";")
        for name in steady_fields:
            values[name][series.rows] = getattr(steady, name)
        values["stage"][series.rows] = series.stage
    um = frames["um_per_px"].to_numpy(float)
    added: dict[str, Any] = {
        "course_flags": flags,
        "steady_blastocyst_area_px2": values["area_px2"],
        "steady_blastocyst_area_um2": values["area_px2"] * um**2,
        "steady_blastocoel_area_frac": values["cavity"],
        "steady_zp_thickness_px": values["zona_px"],
        "steady_zp_thickness_um": values["zona_px"] * um,
        "steady_extruded_area_frac": values["extruded"],
        "steady_zp_is_breached": pd.Series(values["breached"], frames.index).map({0.0: False, 1.0: True}),
        "steady_expansion_stage": values["stage"],
    }
    return _typed(frames.assign(**added), REPORTED_FRAME_COLUMNS)


def _typed(table: pd.DataFrame, declared: tuple[Column, ...]) -> pd.DataFrame:
    dtypes = dtypes_of(declared)
    return table[list(dtypes)].astype(dtypes)


def _events_table(frames: pd.DataFrame, followed: list[Series]) -> pd.DataFrame:
    numbers = frames["frame_index"].to_numpy(object)
    references = frames["time_reference"].to_numpy(object)
    rows = []
    for series in followed:
        if len(series.rows) < PERSISTENCE:
            continue  # stills: nothing can be told, and their notes say so
        identity = {"embryo_id": series.embryo_id, "time_reference": references[series.rows[0]]}
        own = numbers[series.rows]
        hours = series.observed.hours
        rows += [identity | _event_row(event, hours, own) for event in series.events.values()]
        rows += [identity | _collapse_row(series, collapse, own) for collapse in series.collapses]
    table = pd.DataFrame(rows, columns=[column.name for column in EVENT_COLUMNS])
    return _typed(table, EVENT_COLUMNS)


def _event_row(event: Event, hours: Floats, numbers: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"event": event.name, "note": event.note}
    if event.last_before is not None:
        row["last_before_h"] = hours[event.last_before]
        row["last_before_frame"] = numbers[event.last_before]
    if event.first_after is not None and event.last_before is not None:
        row["first_after_h"], row["first_after_frame"] = hours[event.first_after], numbers[event.first_after]
    return row


def _collapse_row(series: Series, collapse: Collapse, numbers: Any) -> dict[str, Any]:
    hours, full = series.observed.hours, series.events["tB"].first_after
    recovery = collapse.recovery
    return {
        "event": COLLAPSE,
        "last_before_h": hours[collapse.start],
        "first_after_h": hours[collapse.first_low],
        "note": NOT_RECOVERED if recovery is None else "",
        "last_before_frame": numbers[collapse.start],
        "first_after_frame": numbers[collapse.first_low],
        "minimum_h": hours[collapse.minimum],
        "recovery_h": hours[recovery] if recovery is not None else math.nan,
        "depth_area_frac": collapse.depth,
        "depth_volume_frac_est": collapse.depth_volume,
        "collapse_parted_frac": collapse.parted,
        "is_marcos": collapse.is_marcos if math.isfinite(collapse.parted) else None,
        "is_after_t_b": full is not None and collapse.first_low >= full,
    }
