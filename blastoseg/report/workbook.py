"""``report.xlsx``: Summary, Quality, Timeline for people; Embryos, Frames with every column; Run; Columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook

from blastoseg.columns import EMBRYO_COLUMNS, FRAME_COLUMNS, Column
from blastoseg.quality import MEANING_OF_FLAG, MEANING_OF_STATUS, statuses_after
from blastoseg.report.headline import unit_of_length
from blastoseg.report.manifest import RunManifest
from blastoseg.report.sheet import LEFT, MOST_LINKS, TOP, TOP_CENTRED, Layout, Sheet, new_workbook, safe_value
from blastoseg.report.summary_sheet import Pictures, write_summary
from blastoseg.report.tables import decimals_of
from blastoseg.report.timeline_sheet import write_timeline
from blastoseg.report.wording import flags_in_words, heading_of

LINKED = ("mask", "overlay")
"""The columns that name files: their cells open them."""
PRINTED_PERCENT = 60
"""Scale of the sheets with every column: they are for machines, and take many pages."""
_WIDTHS = {"source": 36, "embryo_id": 18, "flags": 24, "reason": 30, "mask": 40, "overlay": 40}
_QUALITY_WIDTHS = {
    **{"embryo_id": 16, "source": 34, "frame_index": 8, "time_h": 9, "status": 10},
    **{"flags": 24, "reason": 46, "overlay": 12},
}
QUALITY_COLUMNS = tuple(column for column in FRAME_COLUMNS if column.name in _QUALITY_WIDTHS)


def write_workbook(
    path: Path,
    frames: pd.DataFrame,
    embryos: pd.DataFrame,
    manifest: RunManifest,
    pictures: Mapping[str, Pictures],
) -> None:
    """Write the workbook to ``path``.

    ``frames`` and ``embryos`` are the tables of ``report.tables`` and ``course.series``; ``pictures`` maps an
    embryo's id to the mask and overlay of the frame that its row shows. Links to pictures are relative to
    the workbook's folder, so that they hold in a copy of it.
    """
    workbook = new_workbook()
    write_summary(workbook, embryos, pictures)
    _write_table(workbook, "Embryos", f"Every column of {len(embryos):,} embryos", (embryos, EMBRYO_COLUMNS))
    frames_sheet = _write_table(
        workbook, "Frames", f"Every column of {len(frames):,} frames", (frames, FRAME_COLUMNS)
    )
    write_timeline(workbook, frames, frames_sheet, unit_of_length(frames))
    _write_quality(workbook, frames)
    _write_run(workbook, manifest)
    _write_columns(workbook)
    workbook.save(path)


def _write_table(
    workbook: Workbook, title: str, heading: str, content: tuple[pd.DataFrame, Sequence[Column]]
) -> Any:
    """A sheet with all of a table's columns, in their order; returns it for charts to refer to."""
    table, declared = content
    if len(LINKED) * len(table) > MOST_LINKS:
        heading += f"; links to pictures in the first {MOST_LINKS // len(LINKED):,} rows, Excel takes no more"
    widths = [_WIDTHS.get(column.name, 13) for column in declared]
    sheet = Sheet(workbook, title, heading, Layout(widths, frozen_columns=1, scale=PRINTED_PERCENT))
    sheet.append_header([heading_of(column) for column in declared], len(table))
    decimals = [decimals_of(column) for column in declared]
    links = [place for place, column in enumerate(declared) if column.name in LINKED]
    for row in table.itertuples(index=False, name=None):
        cells = [safe_value(value, digits) for value, digits in zip(row, decimals, strict=True)]
        for place in links:
            cells[place] = sheet.link(row[place])
        sheet.append(cells)
    return sheet.plain


def _write_quality(workbook: Workbook, frames: pd.DataFrame) -> None:
    doubtful = frames[frames["status"] != "ok"]
    heading = f"Frames to look at: {len(doubtful):,} of {len(frames):,} are not ok"
    names = [column.name for column in QUALITY_COLUMNS]
    layout = Layout([_QUALITY_WIDTHS[name] for name in names], frozen_columns=1)
    sheet = Sheet(workbook, "Quality", heading, layout)
    sheet.append_header([heading_of(column) for column in QUALITY_COLUMNS], len(doubtful))
    for row in doubtful[names].to_dict("records"):
        row["flags"] = flags_in_words(row["flags"])
        cells = {name: sheet.cell(value, alignment=TOP) for name, value in row.items()}
        for name in ("frame_index", "time_h"):
            cells[name] = sheet.cell(
                row[name], number_format="0.0" * (name == "time_h"), alignment=TOP_CENTRED
            )
        cells["overlay"] = sheet.link(row["overlay"], "open", TOP_CENTRED)
        sheet.append_text(cells.values())


def _write_run(workbook: Workbook, manifest: RunManifest) -> None:
    layout = Layout([34, 100], frozen_columns=1)
    sheet = Sheet(workbook, "Run", "How these numbers came about", layout)
    entries = list(_flattened("", manifest.as_dict()))
    sheet.append_header(["Entry", "Value"], len(entries))
    for name, value in entries:
        # Numbers stand with the words, on the left.
        sheet.append_text([sheet.cell(name, alignment=LEFT), sheet.cell(value, alignment=LEFT)])


def _flattened(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """Nested dicts and lists as (dotted name, plain value) pairs."""
    if isinstance(value, dict):
        parts = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(str(index), part) for index, part in enumerate(value, 1)]
    else:
        return [(prefix, value)]
    return [
        entry for name, part in parts for entry in _flattened(f"{prefix}.{name}" if prefix else name, part)
    ]


def _write_columns(workbook: Workbook) -> None:
    layout = Layout([40, 33, 9, 8, 84, 22], frozen_columns=1)
    sheet = Sheet(workbook, "Columns", "What every column, status and flag means", layout)
    sheet.append_header(
        ["Heading", "Name in the CSV files", "Unit", "Type", "Meaning", "Source"], len(EMBRYO_COLUMNS)
    )
    for column in EMBRYO_COLUMNS:
        texts = (column.name, column.unit, column.dtype, column.definition, column.source)
        sheet.append_text(sheet.cell(text, alignment=TOP) for text in (heading_of(column), *texts))
    explained = {
        "Statuses": {status.value: ("", meaning) for status, meaning in MEANING_OF_STATUS.items()},
        "Flags": {
            flags_in_words(flag.value): (flag.value, f"{meaning} ({' or '.join(statuses_after(flag))})")
            for flag, meaning in MEANING_OF_FLAG.items()
        },
    }
    for title, rows in explained.items():
        sheet.append_section(title)
        for words, (code, meaning) in rows.items():
            cells = (words, code, "", "", meaning)
            sheet.append_text(sheet.cell(text, alignment=TOP) for text in cells)
