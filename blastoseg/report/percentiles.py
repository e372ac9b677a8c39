"""Where an embryo's ICM and TE lie among the embryos that a lab has had."""

from typing import Any

import numpy as np
import pandas as pd

from blastoseg.columns import LETTER_COLUMNS, LETTER_TISSUES, PERCENTILES, dtypes_of
from blastoseg.course.observed import Floats
from blastoseg.errors import counted
from blastoseg.report.letters import reasons_not_to_grade, values_of

LEAST_EMBRYOS = 20
"""Fewer have no percentiles worth the name."""


def with_percentiles(embryos: pd.DataFrame, archive: pd.DataFrame | None) -> pd.DataFrame:
    """``embryos`` with percentiles of what letters rest on, among gradable embryos of the archive.

    Without an archive among those of the run itself. Only what could have a letter has a percentile, and
    empty are those of a tissue that fewer than ``LEAST_EMBRYOS`` have; ``percentile_note`` says so.
    """
    if not len(embryos):
        return embryos
    among = embryos if archive is None else archive
    whose = "this run" if archive is None else "the archive"
    filled: dict[str, Any] = {}
    notes = []
    for key, stems in PERCENTILES.items():
        others = values_of(among, list(stems))[_is_gradable(among, key)]
        own = np.where(_is_gradable(embryos, key)[:, None], values_of(embryos, list(stems)), np.nan)
        name, count = LETTER_TISSUES[key], len(others)
        if count < LEAST_EMBRYOS:
            notes.append(
                f"{name}: {counted(count, 'gradable embryo')} in {whose}, {LEAST_EMBRYOS} are needed"
            )
            continue
        notes.append(f"{name} among {counted(count, 'gradable embryo')} of {whose}")
        for place, stem in enumerate(stems):
            filled[f"{stem}_percentile"] = _percentiles(own[:, place], others[:, place])
    filled["percentile_note"] = "; ".join(notes)
    dtypes = {name: dtype for name, dtype in dtypes_of(LETTER_COLUMNS).items() if name in filled}
    return embryos.assign(**filled).astype(dtypes)


def _is_gradable(embryos: pd.DataFrame, key: str) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return np.array([not reason for reason in reasons_not_to_grade(embryos, key)], bool)


def _percentiles(values: Floats, others: Floats) -> Floats:
    """In whole percent: the share of the others that are smaller, equal ones counted half."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return np.where(np.isfinite(values), np.round(50.0 * (below + up_to) / len(ordered)), np.nan)
