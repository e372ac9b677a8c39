"""Several focal planes of one moment: which row goes into the course, and what the planes say together."""

import numpy as np
import pandas as pd

from blastoseg.columns import (
    MEASURE_COLUMNS,
    MOMENT_COLUMNS,
    PLANE_OF,
    Column,
    dtypes_of,
    spread_of,
)
from blastoseg.course.observed import MEASURED

_MOMENT = ["embryo_id", "frame_index"]
_WHOLE = "blastocyst"
"""Measures that are no tissue's own are taken from the plane in which the blastocyst is sharpest."""


def part_planes(frames: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a moment, of the plane nearest the centre; and all rows of moments seen in several planes.

    ``frames`` is a table of ``FRAME_COLUMNS`` with an index of its own, and so are both; all rows keep their
    order and index.
    """
    is_shared = frames.duplicated(_MOMENT, keep=False) & frames["focal_plane"].notna()
    if not is_shared.any():
        return frames, frames.iloc[:0]
    planes = frames[is_shared]
    # Of two as near, the one below the centre, as where the sharpest is chosen.
    plane = planes["focal_plane"].to_numpy(int)
    order = np.lexsort((plane, np.abs(plane)))
    others = planes.iloc[order].duplicated(_MOMENT)
    return frames.drop(others.index[others.to_numpy()]), planes


def moments_table(planes: pd.DataFrame) -> pd.DataFrame:
    """A row of ``MOMENT_COLUMNS`` a moment, of the rows of its planes, moments in the order of their rows.

    A measure is that of the plane in which its tissue is sharpest, its spread the standard deviation over the
    planes that were measured; both are undefined where none was, a spread where only one was.
    """
    if planes.empty:
        return pd.DataFrame(columns=[column.name for column in MOMENT_COLUMNS]).astype(
            dtypes_of(MOMENT_COLUMNS)
        )
    by_moment = planes.groupby(_MOMENT, sort=False)
    measured = planes[planes["status"].isin([status.value for status in MEASURED])]
    counts = {"planes_total": by_moment.size(), "planes_measured": measured.groupby(_MOMENT).size()}
    floats = [column for column in MEASURE_COLUMNS if column.dtype == "float"]
    spread = measured.groupby(_MOMENT)[[column.name for column in floats]].std()
    parts = [
        by_moment[["time_h", "time_reference", "um_per_px"]].first(),
        pd.DataFrame(counts).fillna(0),
        *(_in_sharpest(measured, key) for key in PLANE_OF),
        spread.set_axis([spread_of(column).name for column in floats], axis=1),
    ]
    table = pd.concat([part.reindex(parts[0].index) for part in parts], axis=1).copy().reset_index()
    return table[[column.name for column in MOMENT_COLUMNS]].astype(dtypes_of(MOMENT_COLUMNS))


def first_planes(planes: pd.DataFrame) -> pd.DataFrame:
    """The first row of each moment, in the order of ``moments_table``."""
    return planes[~planes.duplicated(_MOMENT)]


def _in_sharpest(measured: pd.DataFrame, key: str) -> pd.DataFrame:
    """By moment the plane in which a tissue is sharpest, and what it measures there."""
    sharpness = f"sharpness_{key}"
    own = [column.name for column in MEASURE_COLUMNS if _tissue_of(column) == key]
    seen = measured.dropna(subset=[sharpness])
    rows = seen.loc[seen.groupby(_MOMENT)[sharpness].idxmax()].set_index(_MOMENT)
    return rows[["focal_plane", *own]].rename(columns={"focal_plane": PLANE_OF[key]})


def _tissue_of(column: Column) -> str:
    """The tissue in whose sharpest plane a measure is taken."""
    tissue = column.name.partition("_")[0]
    return tissue if tissue in PLANE_OF else _WHOLE
