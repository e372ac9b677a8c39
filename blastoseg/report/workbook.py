"""``report.xlsx``: Summary, Frames, Timeline, Quality, Run, Columns.

Sheets are written row by row and never held whole, so that twenty thousand frames need no more memory
than twenty.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment

from blastoseg import columns
from blastoseg.report.manifest import RunManifest
from blastoseg.report.sheet import add_sheet, append_header, safe_value, styled
from blastoseg.report.summary_sheet import Pictures, unit_of_length, write_summary
from blastoseg.report.tables import decimals_of
from blastoseg.report.timeline_sheet import write_timeline

QUALITY_COLUMNS = {
    "embryo_id": 22,
    "source": 44,
    "frame_index": 9,
    "time_h": 9,
    "status": 11,
    "flags": 34,
    "reason": 90,
}


def write_workbook(
    path: Path,
    frames: pd.DataFrame,
    embryos: pd.DataFrame,
    manifest: RunManifest,
    pictures: Mapping[str, Pictures],
) -> None:
    """Write the workbook to ``path``.

    ``frames`` and ``embryos`` are the tables of ``report.tables`` and ``course.series``; ``pictures`` maps an
    embryo's id to the mask and overlay of the frame that its row shows.
    """
    workbook = Workbook(write_only=True)
    write_summary(workbook, embryos, pictures)
    frames_sheet = _write_frames(workbook, frames)
    write_timeline(workbook, frames, frames_sheet, unit_of_length(frames))
    _write_quality(workbook, frames)
    _write_run(workbook, manifest)
    _write_columns(workbook)
    workbook.save(path)


def _write_frames(workbook: Workbook, frames: pd.DataFrame) -> Any:
    declared = columns.FRAME_COLUMNS
    widths = [
        {"source": 36, "embryo_id": 18, "flags": 24, "reason": 30}.get(column.name, 13) for column in declared
    ]
    sheet = add_sheet(workbook, "Frames", f"All frames: {len(frames):,}", widths, frozen_columns=1)
    append_header(sheet, [column.name for column in declared], len(frames))
    decimals = [decimals_of(column) for column in declared]
    for row in frames.itertuples(index=False, name=None):
        sheet.append([safe_value(value, digits) for value, digits in zip(row, decimals, strict=True)])
    return sheet


def _write_quality(workbook: Workbook, frames: pd.DataFrame) -> None:
    doubtful = frames[frames["status"] != "ok"]
    heading = f"Frames to look at: {len(doubtful):,} of {len(frames):,} are not ok"
    sheet = add_sheet(workbook, "Quality", heading, list(QUALITY_COLUMNS.values()), frozen_columns=1)
    append_header(sheet, list(QUALITY_COLUMNS), len(doubtful))
    for row in doubtful[list(QUALITY_COLUMNS)].itertuples(index=False, name=None):
        sheet.append([safe_value(value, 2) for value in row])


def _write_run(workbook: Workbook, manifest: RunManifest) -> None:
    sheet = add_sheet(workbook, "Run", "How these numbers came about", [34, 100], frozen_columns=1)
    entries = list(_flattened("", manifest.as_dict()))
    append_header(sheet, ["entry", "value"], len(entries))
    for name, value in entries:
        # Numbers stand with the words, on the left.
        cell = styled(sheet, value)
        cell.alignment = Alignment(horizontal="left", vertical="top", wrap_text=True)
        sheet.append([styled(sheet, name), cell])


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
    sheet = add_sheet(workbook, "Columns", "What every column means", [34, 10, 8, 100, 24], frozen_columns=1)
    append_header(sheet, ["column", "unit", "type", "definition", "source"], len(columns.EMBRYO_COLUMNS))
    for column in columns.EMBRYO_COLUMNS:
        cells = (column.name, column.unit, column.dtype, column.definition, column.source)
        sheet.append([styled(sheet, text) for text in cells])
