"""The embryos of a lab's earlier runs, for percentiles."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.report.tables import read_csv


def read_archive(outs: Sequence[Path]) -> pd.DataFrame | None:
    """The rows of ``embryos.csv`` of some output folders, one that stands in several once; None of none.

    Raises InputNotFoundError where a folder has no such table, OutputError where it can't be read.
    """
    if not outs:
        return None
    tables = [read_csv(out / "embryos.csv", EMBRYO_COLUMNS) for out in outs]
    together = pd.concat(tables, ignore_index=True)
    # The same well is another embryo in another dish: only one that has been measured alike is the same.
    return together.drop_duplicates(["embryo_id", "source", "frame_index", "blastocyst_area_px2"])
