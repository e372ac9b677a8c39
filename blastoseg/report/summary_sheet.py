"""The Summary sheet: one row an embryo, with its picture and what embryologists grade."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, PatternFill

from blastoseg.errors import UnreadableFrameError
from blastoseg.report.overlay import draw_thumbnail
from blastoseg.report.sheet import FIRST_ROW, add_sheet, append_header, styled
from blastoseg.sources.label_images import read_label_image

THUMBNAIL_SIDE = 110
_POINTS_PER_PIXEL = 0.75
STATUS_COLOURS = {"ok": "FFC6EFCE", "review": "FFFFEB9C", "excluded": "FFE7E6E6", "failed": "FFFFC7CE"}
FLAG_COLOUR = "FFFFF4D6"
_CELL = Alignment(vertical="center", wrap_text=True)
_CENTRED = Alignment(horizontal="center", vertical="center")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a frame's mask and overlay lie."""

    mask: Path
    overlay: Path


@dataclass(frozen=True, slots=True)
class _Shown:
    """A column of the sheet. ``{u}`` in ``column`` and ``heading`` stands for the unit of length."""

    heading: str
    column: str
    number_format: str
    width: float = 11


MEASURES = (
    _Shown("Diameter ({u})", "blastocyst_diameter_{u}", "0"),
    _Shown("Blastocyst area ({u}²)", "blastocyst_area_{u}2", "#,##0"),
    _Shown("Blastocoel (share of area)", "blastocoel_area_frac", "0%"),
    _Shown("ICM area ({u}²)", "icm_area_{u}2", "#,##0"),
    _Shown("ICM length / width", "icm_roundness_index", "0.00"),
    _Shown("TE thickness, mean ({u})", "te_thickness_mean_{u}", "0.0"),
    _Shown("TE coverage", "te_coverage_frac", "0%"),
    _Shown("Zona thickness, mean ({u})", "zp_thickness_mean_{u}", "0.0"),
    _Shown("Zona present (share of circle)", "zp_integrity_frac", "0%"),
    _Shown("Largest zona gap (°)", "zp_largest_gap_deg", "0"),
    _Shown("Outside the zona (share)", "extruded_area_frac", "0%"),
)
COURSE = (
    _Shown("Area change over the series", "blastocyst_area_change_frac", "+0%;-0%;0%"),
    _Shown("Collapses", "collapse_count", "0", 10),
    _Shown("Frames", "frames_total", "0", 8),
    _Shown("of these to review", "frames_review", "0", 9),
)
IDENTITY = (("Picture", 16), ("Embryo", 20), ("Hours", 8), ("Status", 10), ("Flags", 22), ("Why", 34))


def unit_of_length(table: pd.DataFrame) -> str:
    """The unit shown: micrometres where every measured row has a pixel size, else pixels: never mixed."""
    measured = table[table["blastocyst_area_px2"].notna()]
    return "um" if len(measured) and measured["um_per_px"].notna().all() else "px"


def write_summary(workbook: Workbook, embryos: pd.DataFrame, pictures: Mapping[str, Pictures]) -> None:
    """Append the sheet. ``pictures`` maps an embryo's id to those of the frame its row shows, if any."""
    unit = unit_of_length(embryos)
    shown = MEASURES + COURSE
    widths = [width for _, width in IDENTITY] + [column.width for column in shown]
    heading = f"Embryos: latest measured frame of each, lengths in {unit.replace('um', 'µm')}"
    sheet = add_sheet(workbook, "Summary", heading, widths, frozen_columns=2)
    headings = [column.heading.format(u=unit.replace("um", "µm")) for column in shown]
    append_header(sheet, [name for name, _ in IDENTITY] + headings, len(embryos))
    for index, row in enumerate(embryos.to_dict("records")):
        place = FIRST_ROW + index
        # Before the row itself: a write-only sheet has no way back.
        sheet.row_dimensions[place].height = (THUMBNAIL_SIDE + 6) * _POINTS_PER_PIXEL
        _append_embryo(sheet, row, shown, unit)
        thumbnail = _thumbnail(pictures.get(str(row["embryo_id"])))
        if thumbnail is not None:
            sheet.add_image(thumbnail, f"A{place}")
    _colour(sheet, FIRST_ROW + max(len(embryos), 1) - 1)


def _append_embryo(sheet: Any, row: dict[Any, Any], shown: tuple[_Shown, ...], unit: str) -> None:
    flags = "" if pd.isna(row["flags"]) else str(row["flags"]).replace(";", ", ").replace("_", " ")
    cells = [
        styled(sheet, None),
        styled(sheet, row["embryo_id"]),
        styled(sheet, row["time_h"], number_format="0.0"),
        styled(sheet, row["status"]),
        styled(sheet, flags),
        styled(sheet, row["reason"]),
    ]
    for column in shown:
        value = row[column.column.format(u=unit)]
        cells.append(styled(sheet, value, number_format=column.number_format))
    words = {1, 4, 5}
    for index, cell in enumerate(cells):
        cell.alignment = _CELL if index in words else _CENTRED
    sheet.append(cells)


def _thumbnail(pictures: Pictures | None) -> SheetImage | None:
    if pictures is None:
        return None
    overlay = cv2.imread(str(pictures.overlay), cv2.IMREAD_COLOR)
    if overlay is None:
        return None
    try:
        labels = read_label_image(pictures.mask, pictures.mask.name)
    except UnreadableFrameError:
        return None
    drawn = draw_thumbnail(overlay.astype(np.uint8), labels, THUMBNAIL_SIDE)
    _, encoded = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return SheetImage(io.BytesIO(encoded.tobytes()))


def _colour(sheet: Any, last_row: int) -> None:
    statuses = f"D{FIRST_ROW}:D{last_row}"
    for status, colour in STATUS_COLOURS.items():
        fill = PatternFill("solid", bgColor=colour)
        rule = FormulaRule(formula=[f'$D{FIRST_ROW}="{status}"'], fill=fill)
        sheet.conditional_formatting.add(statuses, rule)
    flagged = FormulaRule(formula=[f"LEN($E{FIRST_ROW})>0"], fill=PatternFill("solid", bgColor=FLAG_COLOUR))
    sheet.conditional_formatting.add(f"E{FIRST_ROW}:E{last_row}", flagged)
