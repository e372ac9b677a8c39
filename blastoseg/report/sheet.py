"""What every sheet of a workbook shares: title, notice, header, styles, safe cells."""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.colors import Color
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.tables import plain_text

TITLE_ROWS = 3
HEADER_ROW = TITLE_ROWS + 1
FIRST_ROW = HEADER_ROW + 1

_A4 = "9"
_MARGIN_INCHES = 0.4
_POINTS_A_LINE = 15
_BOLD_CHARACTERS = 0.85
"""Bold letters that fit, for each unit of a column's width, which counts digits of the plain font."""
_TITLE = Font(name="Calibri", bold=True, size=14)
_NOTICE = Font(name="Calibri", italic=True, color=Color("FFB45309"))
_HEADER = Font(name="Calibri", bold=True, color=Color("FFFFFFFF"))
_HEADER_FILL = PatternFill("solid", fgColor="FF1F4E5F")
_HEADER_ALIGNMENT = Alignment(wrap_text=True, vertical="center", horizontal="center")


def add_sheet(
    workbook: Workbook, title: str, heading: str, widths: Sequence[float], frozen_columns: int
) -> Any:
    """A write-only sheet with title and notice written, its columns sized, frozen below the header.

    The caller appends the header with ``append_header`` next, then rows.
    """
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = f"{get_column_letter(frozen_columns + 1)}{FIRST_ROW}"
    for index, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = _A4
    sheet.page_margins = PageMargins(*[_MARGIN_INCHES] * 4)
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    sheet.append([styled(sheet, heading, _TITLE)])
    sheet.append([styled(sheet, RESEARCH_USE_ONLY, _NOTICE)])
    sheet.append([])
    return sheet


def append_header(sheet: Any, names: Sequence[str], rows: int) -> None:
    """Append the header row, high enough for wrapped words, with a filter over it and ``rows`` rows below."""
    sheet.row_dimensions[HEADER_ROW].height = _POINTS_A_LINE * (_lines(sheet, names) + 0.5)
    cells = []
    for name in names:
        cell = styled(sheet, name, _HEADER)
        cell.fill, cell.alignment = _HEADER_FILL, _HEADER_ALIGNMENT
        cells.append(cell)
    sheet.append(cells)
    sheet.auto_filter.ref = f"A{HEADER_ROW}:{get_column_letter(len(names))}{HEADER_ROW + max(rows, 1)}"


def _lines(sheet: Any, names: Sequence[str]) -> int:
    """Lines that the longest heading takes in its column."""
    widths = [sheet.column_dimensions[get_column_letter(index)].width for index in range(1, len(names) + 1)]
    return max(
        len(textwrap.wrap(name, max(int(width * _BOLD_CHARACTERS), 1)))
        for name, width in zip(names, widths, strict=True)
    )


def styled(sheet: Any, value: Any, font: Font | None = None, number_format: str = "") -> Any:
    """A cell with a safe value, a font and a number format."""
    cell = WriteOnlyCell(sheet, value=safe_value(value))
    if font is not None:
        cell.font = font
    if number_format:
        cell.number_format = number_format
    return cell


def safe_value(value: Any, decimals: int | None = None) -> Any:
    """What a cell holds: nothing for an undefined value, text that is never a formula, a rounded number."""
    if isinstance(value, str):
        return plain_text(value) or None
    if pd.isna(value):
        return None
    if isinstance(value, float) and decimals is not None:
        return round(value, decimals)
    return value
