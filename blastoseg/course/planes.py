"""Several focal planes of one moment: which row goes into the course, and what the planes say together."""

from typing import Any

import numpy as np
import pandas as pd

from blastoseg.columns import (
    MEASURE_COLUMNS,
    MOMENT_COLUMNS,
    PLANE_OF,
    dtypes_of,
    spread_of,
)
from blastoseg.course.observed import MEASURED

_MOMENT = ["embryo_id", "frame_index"]
_WHOLE = "blastocyst"
"""Measures that are no tissue's own are taken from the plane in which the blastocyst is sharpest."""


def part_planes(frames: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a moment, of the plane nearest the centre; and all rows of moments seen in several planes.

    ``frames`` is a table of ``FRAME_COLUMNS``, and so are both; all rows stay in their order.
    """
    is_shared = frames.duplicated(_MOMENT, keep=False) & frames["focal_plane"].notna()
    if not is_shared.any():
        return frames, frames.iloc[:0]
    planes = frames[is_shared]
    # Of two as near, the one below the centre, as where the sharpest is chosen.
    plane = planes["focal_plane"].to_numpy(int)
    order = np.lexsort((plane, np.abs(plane)))
    others = planes.iloc[order].duplicated(_MOMENT)
    return frames.drop(others.index[others.to_numpy()]).reset_index(drop=True), planes.reset_index(drop=True)


def moments_table(planes: pd.DataFrame) -> pd.DataFrame:
    """A row of ``MOMENT_COLUMNS`` a moment, of the rows of its planes, moments in the order of their rows.

    A measure is that of the plane in which its tissue is sharpest, its spread the standard deviation over the
    planes that were measured; both are undefined where none was, a spread where only one was.
    """
    rows = [_moment(of_moment) for _, of_moment in planes.groupby(_MOMENT, sort=False)]
    table = pd.DataFrame(rows, columns=[column.name for column in MOMENT_COLUMNS])
    return table.astype(dtypes_of(MOMENT_COLUMNS))


def _moment(planes: pd.DataFrame) -> dict[str, Any]:
    measured = planes[planes["status"].isin([status.value for status in MEASURED])]
    first = planes.iloc[0]
    row: dict[str, Any] = {
        name: first[name] for name in ("embryo_id", "frame_index", "time_h", "time_reference", "um_per_px")
    }
    row |= {"planes_total": len(planes), "planes_measured": len(measured)}
    sharpest = {key: _sharpest(measured, key) for key in PLANE_OF}
    row |= {
        PLANE_OF[key]: measured["focal_plane"].loc[place]
        for key, place in sharpest.items()
        if place is not None
    }
    for column in MEASURE_COLUMNS:
        tissue = column.name.partition("_")[0]
        place = sharpest[tissue if tissue in sharpest else _WHOLE]
        if place is not None:
            row[column.name] = measured[column.name].loc[place]
        if column.dtype == "float":
            row[spread_of(column).name] = measured[column.name].std()
    return row


def _sharpest(measured: pd.DataFrame, key: str) -> Any:
    """The row in which a tissue is sharpest; None where no plane shows it."""
    sharpness = measured[f"sharpness_{key}"].dropna()
    return sharpness.idxmax() if len(sharpness) else None
