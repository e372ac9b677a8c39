"""What the frames of one embryo say, before any of them is doubted."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.records import Flag, Status

MEASURED = (Status.OK, Status.REVIEW)

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Observed:
    """Arrays with an element a frame, in the order of time; NaN where a frame says nothing.

    ``breached`` is 1, 0 or NaN. ``is_unformed``: a frame that was read and shows no blastocyst (yet).
    """

    status: NDArray[np.str_]
    is_measured: Truths
    is_unformed: Truths
    is_blurred: Truths
    hours: Floats
    area_px2: Floats
    um_per_px: Floats
    cavity: Floats
    cavity_volume: Floats
    zona_px: Floats
    zona_present: Floats
    parted: Floats
    extruded: Floats
    breached: Floats
    icm_count: Floats

    def at(self, rows: NDArray[Any]) -> "Observed":
        """The same of some frames only."""
        return Observed(*(getattr(self, field.name)[rows] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.status)


def observe(frames: pd.DataFrame) -> Observed:
    """Columns of the frames table as arrays; what isn't measured is NaN."""
    status = frames["status"].fillna("").to_numpy(str)
    area = _floats(frames, "blastocyst_area_px2")
    is_measured = np.isin(status, MEASURED) & np.isfinite(area)
    flags = [text.split(";") for text in frames["flags"].fillna("")]

    def has(flag: Flag) -> Truths:
        return np.array([flag.value in of_frame for of_frame in flags], bool)

    def measured(name: str) -> Floats:
        return np.where(is_measured, _floats(frames, name), np.nan)

    return Observed(
        status=status,
        is_measured=is_measured,
        is_unformed=has(Flag.NOT_BLASTOCYST) & ~is_measured,
        is_blurred=has(Flag.OUT_OF_FOCUS),
        hours=_floats(frames, "time_h"),
        area_px2=np.where(is_measured, area, np.nan),
        um_per_px=_floats(frames, "um_per_px"),
        cavity=measured("blastocoel_area_frac"),
        cavity_volume=measured("blastocoel_volume_frac_est"),
        zona_px=measured("zp_thickness_mean_px"),
        zona_present=measured("zp_integrity_frac"),
        parted=measured("zp_parted_frac"),
        extruded=measured("extruded_area_frac"),
        breached=measured("zp_is_breached"),
        icm_count=measured("icm_components"),
    )


def rows_by_embryo(embryo_ids: "pd.Series[Any]") -> list[Rows]:
    """The rows of each embryo, in order, embryos in the order in which they first appear."""
    if not len(embryo_ids):
        return []
    codes, _ = pd.factorize(embryo_ids, use_na_sentinel=False)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _floats(frames: pd.DataFrame, name: str) -> Floats:
    return frames[name].to_numpy(dtype=float, na_value=np.nan)
