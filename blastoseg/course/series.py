"""Each embryo's series: its frames, its steady course, and what happens in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from blastoseg.course.collapses import Collapse, find_collapses
from blastoseg.course.events import Event, find_events
from blastoseg.course.expansion import IN_COLLAPSE, Expansion, reached_stage, stage_course
from blastoseg.course.observed import Floats, Observed, Rows, observe, rows_by_embryo
from blastoseg.course.rates import Rates, expansion_rates
from blastoseg.course.steady import Steady, steady_course
from blastoseg.settings import Grades


@dataclass(frozen=True, slots=True)
class Series:
    """One embryo. ``rows`` are its places in the frames table, in the order of time; arrays go along them."""

    embryo_id: str
    rows: Rows
    observed: Observed
    steady: Steady
    events: Mapping[str, Event]
    collapses: Sequence[Collapse]
    rates: Rates
    stage: Floats
    expansion: Expansion


def follow_embryos(frames: pd.DataFrame, grades: Grades) -> list[Series]:
    """The series of every embryo, in the order in which embryos first appear in the frames table.

    ``frames`` has each embryo's rows in the order of time. Everything is computed from these rows alone, so
    that a night that was cut short and continued ends with the same numbers as one that wasn't.
    """
    everything = observe(frames)
    groups = rows_by_embryo(frames["embryo_id"])
    names = (str(frames["embryo_id"].iloc[rows[0]]) for rows in groups)
    return [
        _series(name, rows, everything.at(rows), grades) for name, rows in zip(names, groups, strict=True)
    ]


def _series(embryo_id: str, rows: Rows, observed: Observed, grades: Grades) -> Series:
    steady = steady_course(observed)
    events = find_events(observed, steady, grades)
    collapses = find_collapses(observed, steady, events)
    rates = expansion_rates(observed, steady, events["tB"], collapses)
    stage = stage_course(observed, steady, events, grades)
    expansion = reached_stage(observed, steady, events, stage=stage, grades=grades)
    if collapses and collapses[-1].recovery is None:
        expansion = replace(expansion, note=expansion.note or IN_COLLAPSE)
    return Series(
        embryo_id,
        rows,
        observed,
        steady,
        events=events,
        collapses=collapses,
        rates=rates,
        stage=stage,
        expansion=expansion,
    )
