"""Two runs over the same frames: what other weights or settings change in what a lab reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from blastoseg.errors import InputNotFoundError
from blastoseg.evaluation.agreement import agreement_table
from blastoseg.report.finished import Run

FRAME_KEY = ["embryo_id", "source", "nth_of_source"]
EVENT_KEY = ["embryo_id", "event", "nth_of_event"]


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What changed from the first run to the second, over the frames that both have.

    ``measures``: ``agreement.agreement_table``, second - first, over frames that both measured. ``statuses``:
    number of frames by ``first`` and ``second`` status. ``changed``: a row a frame whose status or flags are
    others. ``events``: a row an event whose time is another, ``shift_h`` second - first, NaN where one run
    has none. ``only_first`` and ``only_second`` count the frames of one run alone.
    """

    measures: pd.DataFrame
    statuses: pd.DataFrame
    changed: pd.DataFrame
    events: pd.DataFrame
    frames: int
    only_first: int
    only_second: int


def compare_runs(first: Run, second: Run) -> RunComparison:
    """Frames are paired by embryo and file, and within a file by their order; see ``RunComparison``.

    Raises InputNotFoundError where no frame is in both.
    """
    ours, theirs = (_keyed(run.frames, FRAME_KEY) for run in (first, second))
    both = ours.index.intersection(theirs.index, sort=False)
    if both.empty:
        raise InputNotFoundError(
            "the two runs have no frame in common: give two output folders of runs over the same input"
        )
    before, after = ours.loc[both], theirs.loc[both]
    return RunComparison(
        measures=agreement_table(after, before, "first run"),
        statuses=_statuses(before, after),
        changed=_changed(before, after),
        events=_moved_events(first.events, second.events, set(both.get_level_values("embryo_id"))),
        frames=len(both),
        only_first=len(ours) - len(both),
        only_second=len(theirs) - len(both),
    )


def _keyed(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """The table under its key; the last part of the key counts the rows that the others have in common."""
    nth = table.groupby(key[:-1], sort=False, dropna=False).cumcount()
    return table.assign(**{key[-1]: nth}).set_index(key, drop=False)


def _statuses(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    pairs = pd.DataFrame({"first": before["status"].to_numpy(), "second": after["status"].to_numpy()})
    return pairs.value_counts(sort=False).rename("frames").reset_index()


def _changed(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    identity = {name: before[name].to_numpy() for name in ("embryo_id", "source", "frame_index")}
    told = {
        f"{run}_{column}": table[column].fillna("").to_numpy()
        for column in ("status", "flags", "reason")
        for run, table in (("first", before), ("second", after))
    }
    table = pd.DataFrame(identity | told)
    differs = [table[f"first_{column}"] != table[f"second_{column}"] for column in ("status", "flags")]
    return table[differs[0] | differs[1]].reset_index(drop=True)


def _moved_events(first: pd.DataFrame, second: pd.DataFrame, embryos: set[str]) -> pd.DataFrame:
    shown = ["first_after_h", "note"]
    tables = [
        _keyed(table[table["embryo_id"].isin(embryos)], EVENT_KEY)[shown].add_prefix(f"{run}_run_")
        for run, table in (("first", first), ("second", second))
    ]
    joined = tables[0].join(tables[1], how="outer", sort=False).reset_index()
    before, after = (
        joined[f"{run}_run_first_after_h"].to_numpy(float, na_value=np.nan) for run in ("first", "second")
    )
    joined["shift_h"] = after - before
    is_same = (before == after) | (np.isnan(before) & np.isnan(after))
    moved: pd.DataFrame = joined[~is_same].drop(columns=EVENT_KEY[-1])
    return moved.reset_index(drop=True)
