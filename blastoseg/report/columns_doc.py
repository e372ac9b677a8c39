"""``docs/columns.md``, written from the declared columns: ``python -m blastoseg.report.columns_doc``."""

import sys
from collections.abc import Iterable

from blastoseg import columns
from blastoseg.columns import Column
from blastoseg.report.tables import decimals_of

_INTRODUCTION = """\
# Columns

Every column of `frames.csv` (one row a frame) and `embryos.csv` (one row an embryo), also in `report.xlsx`.
This file is written from `blastoseg/columns.py`, and held to it by a test:
`python -m blastoseg.report.columns_doc > docs/columns.md`.

The origin is top-left and y points down; angles are in degrees clockwise from 12 o'clock about the
blastocyst's centroid. B, the blastocyst, is inner cell mass (ICM), blastocoel and trophectoderm (TE) with
holes filled; E, the embryo, is B and the zona (ZP) with holes filled. What is undefined is empty, never 0.
Without a pixel size the `_um` and `_um2` columns are empty: it is never guessed.

The CSV files are UTF-8 without a byte order mark, with a point as decimal sign; in Excel, open them by Data >
From Text/CSV. Text that a spreadsheet could take for a formula begins with an apostrophe, in the workbook
too; control characters are shown as `\\x0a`.
"""


def columns_markdown() -> str:
    """The text of ``docs/columns.md``."""
    measures = columns.MEASURE_COLUMNS
    sections = (
        ("Which frame", "In both files.", columns.IDENTITY_COLUMNS),
        ("Measures", "In both files; in `embryos.csv` of the latest measured frame.", measures),
        ("Confidence", "In both files.", columns.CONFIDENCE_COLUMNS),
        ("Course", "In `embryos.csv`. A measured frame is ok or for review.", columns.SERIES_COLUMNS),
        ("Notice", "In both files.", (columns.NOTICE,)),
    )
    tables = (f"## {title}\n\n{where}\n\n{_table(declared)}" for title, where, declared in sections)
    return "\n".join((_INTRODUCTION, *tables))


def _table(declared: Iterable[Column]) -> str:
    lines = ["| column | unit | type | decimals | definition | source |", "|---|---|---|---|---|---|"]
    for column in declared:
        decimals = str(decimals_of(column)) if column.dtype == "float" else ""
        cells = (f"`{column.name}`", column.unit, column.dtype, decimals, column.definition, column.source)
        lines.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(columns_markdown())
