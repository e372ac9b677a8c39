"""The sheets of every workbook: title, notice, styles, widths, links, printing, safe cells.

Sheets are written row by row and never held whole: twenty thousand rows need little more memory than twenty,
for their links. What a printer is told must be known before the first row.
"""

import io
import math
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, OneCellAnchor
from openpyxl.drawing.xdr import XDRPositiveSize2D
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.styles.colors import Color
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.units import pixels_to_EMU
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.page import PageMargins

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.files import unfinished_beside
from blastoseg.report.tables import is_undefined, plain_text

TITLE_ROWS = 3
HEADER_ROW = TITLE_ROWS + 1
FIRST_ROW = HEADER_ROW + 1
MOST_LINKS = 65_530
"""A sheet with more links is repaired by Excel, which takes them away."""
POINTS_PER_PIXEL = 0.75
CLEAR_PIXELS = 3

TOP = Alignment(vertical="top", wrap_text=True)
MIDDLE = Alignment(vertical="center", wrap_text=True)
CENTRED = Alignment(horizontal="center", vertical="center")
CENTRED_LEFT = Alignment(horizontal="left", vertical="center")
TOP_CENTRED = Alignment(horizontal="center", vertical="top")
LEFT = Alignment(horizontal="left", vertical="top", wrap_text=True)

_A4 = "9"
_MARGIN_INCHES = 0.3
_MARGIN_OF_FOOTER = 0.55
_POINTS_A_LINE = 15
_CHARACTERS, _BOLD_CHARACTERS = 1.1, 0.85
"""Letters that fit, plain and bold, for each unit of a column's width, which counts digits."""
_TITLE = Font(name="Calibri", bold=True, size=14)
_NOTICE = Font(name="Calibri", italic=True, color=Color("FFB45309"))
_NOTE = Font(name="Calibri", italic=True, color=Color("FF666666"))
_SECTION = Font(name="Calibri", bold=True)
_LINK = Font(name="Calibri", underline="single", color=Color("FF0563C1"))
_HEADER = Font(name="Calibri", bold=True, size=10, color=Color("FFFFFFFF"))
_HEADER_FILL = PatternFill("solid", fgColor="FF1F4E5F")
_BAND_FILL = PatternFill("solid", fgColor="FFDCE6EA")
_HEADER_ALIGNMENT = Alignment(wrap_text=True, vertical="center", horizontal="center")
_URL_QUOTED = str.maketrans({" ": "%20", "%": "%25", "#": "%23"})


@contextmanager
def workbook_at(path: Path) -> Iterator[Workbook]:
    """A workbook for ``Sheet``, saved to ``path`` when the block ends.

    The library keeps sheets that are begun in files: they lie beside ``path``, where the sweeping after a
    killed run finds them, and are gone when the block ends, however it does.
    """
    book = Workbook(write_only=True)
    folder = unfinished_beside(path.with_suffix(""))
    folder.mkdir()
    elsewhere, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield book
        # In memory first: an archive that the disk refuses complains once more when it is thrown away.
        buffer = io.BytesIO()
        book.save(buffer)
        path.write_bytes(buffer.getbuffer())
    finally:
        tempfile.tempdir = elsewhere
        for sheet in book.worksheets:
            _end_quietly(sheet)
        shutil.rmtree(folder, ignore_errors=True)


def _end_quietly(sheet: Any) -> None:
    # A sheet that is only half written would complain when it is thrown away, long after the error itself.
    with suppress(Exception):
        if not sheet.closed:
            sheet.close()
    with suppress(Exception):
        sheet._writer.close()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a sheet is shown and printed, on A4 across.

    ``frozen_rows`` and ``frozen_columns`` stay in sight. On every page the rows from ``HEADER_ROW`` to
    ``frozen_rows`` are printed, or the title where these are fewer. Without ``scale`` a sheet is printed as
    wide as the page; with it, in percent, over as many pages as it takes, cut at page breaks. ``note`` stands
    below the notice.
    """

    widths: Sequence[float]
    frozen_columns: int = 0
    frozen_rows: int = HEADER_ROW
    scale: int | None = None
    note: str = ""


class Sheet:
    """A sheet that is written from top to bottom, begun with its title and the research-use notice."""

    def __init__(self, workbook: Workbook, title: str, heading: str, layout: Layout) -> None:
        self.plain: Any = workbook.create_sheet(title)
        """The library's own sheet: for charts, page breaks and conditional colours."""
        self.next_row = 1
        self._links = 0
        self._widths = layout.widths
        if layout.frozen_rows or layout.frozen_columns:
            corner = f"{get_column_letter(layout.frozen_columns + 1)}{layout.frozen_rows + 1}"
            self.plain.freeze_panes = corner
        for index, width in enumerate(layout.widths, 1):
            self.plain.column_dimensions[get_column_letter(index)].width = width
        self._set_up_printing(layout)
        self.append([self.cell(heading, _TITLE)])
        self.append([self.cell(RESEARCH_USE_ONLY, _NOTICE)])
        self.append([self.cell(layout.note, _NOTE)] if layout.note else [])

    def _set_up_printing(self, layout: Layout) -> None:
        sheet = self.plain
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
        sheet.page_margins = PageMargins(*[_MARGIN_INCHES] * 3, _MARGIN_OF_FOOTER, 0.3, 0.3)
        sheet.sheet_properties.pageSetUpPr.fitToPage = layout.scale is None
        if layout.scale is None:
            sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        else:
            sheet.page_setup.scale = layout.scale
            if layout.frozen_columns:
                sheet.print_title_cols = f"A:{get_column_letter(layout.frozen_columns)}"
        repeated = (HEADER_ROW, layout.frozen_rows) if layout.frozen_rows >= HEADER_ROW else (1, TITLE_ROWS)
        sheet.print_title_rows = f"{repeated[0]}:{repeated[1]}"
        sheet.oddFooter.left.text = RESEARCH_USE_ONLY
        sheet.oddFooter.right.text = "&A, page &P of &N"

    def append(self, cells: Iterable[Any], height: float | None = None) -> None:
        """Append a row, of ``height`` points or the usual."""
        if height is not None:
            # Before the row itself: there is no way back.
            self.plain.row_dimensions[self.next_row].height = height
        self.plain.append(list(cells))
        self.next_row += 1

    def append_text(self, cells: Iterable[Any], least: float = 0) -> None:
        """Append a row as high as its wrapped texts, never lower than ``least`` points."""
        row = list(cells)
        texts = [cell.value if isinstance(cell.value, str) else "" for cell in row]
        self.append(row, max(least, _POINTS_A_LINE * self._lines(texts)))

    def append_band(self, texts: Mapping[int, str], columns: int, last: Any) -> None:
        """Append the heading of a group: bold texts by their places on a band, and a ``last`` cell."""
        cells = []
        for place in range(columns):
            cell = self.text_cell(texts.get(place, ""), CENTRED_LEFT)
            cell.font, cell.fill = _SECTION, _BAND_FILL
            cells.append(cell)
        last.fill = _BAND_FILL
        self.append([*cells, last], _POINTS_A_LINE * 1.4)

    def append_header(self, names: Sequence[str], filtered_rows: int | None = None) -> None:
        """Append a header, high enough for wrapped words; with a filter over it and the rows below."""
        last = get_column_letter(len(names))
        if filtered_rows is not None:
            below = self.next_row + max(filtered_rows, 1)
            self.plain.auto_filter.ref = f"A{self.next_row}:{last}{below}"
        cells = []
        for name in names:
            cell = self.cell(name, _HEADER, alignment=_HEADER_ALIGNMENT)
            cell.fill = _HEADER_FILL
            cells.append(cell)
        self.append(cells, _POINTS_A_LINE * (self._lines(names, _BOLD_CHARACTERS) + 0.5))

    def append_notes(self, *notes: str) -> None:
        """Append explanations, a row each."""
        for note in notes:
            self.append([self.cell(note, _NOTE)])

    def append_section(self, title: str) -> None:
        """Append an empty row and the title of what follows."""
        self.append([])
        self.append([self.cell(title, _SECTION)])

    def append_table(self, table: pd.DataFrame, format_of: Callable[[str, dict[str, Any]], str]) -> None:
        """Append a header and a row for each of the table's; ``format_of`` a column's name and a row."""
        names = [str(name) for name in table.columns]
        self.append_header([name.replace("_", " ") for name in names])
        for values in table.itertuples(index=False, name=None):
            row = dict(zip(names, values, strict=True))
            self.append(self.cell(value, number_format=format_of(name, row)) for name, value in row.items())

    def add_image(self, image: SheetImage, row: int, column: str = "A") -> None:
        """Put a picture into a cell, clear of the row above: a page may begin here."""
        at = AnchorMarker(
            col=column_index_from_string(column) - 1, row=row - 1, rowOff=pixels_to_EMU(CLEAR_PIXELS)
        )
        image.anchor = OneCellAnchor(
            _from=at, ext=XDRPositiveSize2D(pixels_to_EMU(image.width), pixels_to_EMU(image.height))
        )
        self.plain.add_image(image)

    def cell(
        self,
        value: Any,
        font: Font | None = None,
        number_format: str = "",
        alignment: Alignment | None = None,
    ) -> Any:
        """A cell with a safe value."""
        cell = WriteOnlyCell(self.plain, value=safe_value(value))
        if font is not None:
            cell.font = font
        if number_format and isinstance(cell.value, int | float):
            cell.number_format = number_format
        if alignment is not None:
            cell.alignment = alignment
        return cell

    def text_cell(self, plain: str, alignment: Alignment) -> Any:
        """A cell with text that is safe already, as a string whatever it looks like; empty without any."""
        cell = WriteOnlyCell(self.plain, value=plain or None)
        if plain:
            cell.data_type = "s"
        cell.alignment = alignment
        return cell

    def lines_cell(self, lines: Iterable[str]) -> Any:
        """A cell with a few lines of text."""
        return self.text_cell("\n".join(plain_text(line) for line in lines), MIDDLE)

    def jump(self, sheet: str, row: int, words: str, alignment: Alignment) -> Any:
        """A cell that leads to a row of another sheet of the workbook."""
        cell = self.cell(words, _LINK, alignment=alignment)
        cell.hyperlink = Hyperlink(ref="", location=f"{sheet}!A{row}")
        self._links += 1
        return cell

    def link(self, path: Any, words: str = "", alignment: Alignment | None = None) -> Any:
        """A cell that opens a file, ``path`` relative to the workbook's folder; it shows words or the path.

        Without a path it is empty; beyond ``MOST_LINKS`` it is plain text.
        """
        if pd.isna(path) or not path:
            return self.cell(None, alignment=alignment)
        if self._links >= MOST_LINKS:
            return self.cell(path, alignment=alignment)
        self._links += 1
        cell = self.cell(words or path, _LINK, alignment=alignment)
        cell.hyperlink = str(path).translate(_URL_QUOTED)
        return cell

    def _lines(self, texts: Sequence[str], characters: float = _CHARACTERS) -> int:
        """Lines that the longest text takes in its column, with so many characters for each unit of width."""
        lines = (
            sum(
                max(1, len(textwrap.wrap(line, max(int(width * characters), 1)))) for line in text.split("\n")
            )
            for text, width in zip(texts, self._widths, strict=False)
        )
        return max(1, *lines)


def wide_enough(headings: Sequence[str], widths: Sequence[float]) -> list[float]:
    """The widths, none less than the longest word of its heading takes, in a font wider than Calibri too."""
    words = (max(map(len, heading.split())) for heading in headings)
    return [max(width, 1.05 * longest) for width, longest in zip(widths, words, strict=True)]


def safe_value(value: Any) -> Any:
    """What a cell holds: nothing for an undefined value, text that is never a formula, else the value."""
    if isinstance(value, str):
        return plain_text(value) or None
    if is_undefined(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def safe_values(column: "pd.Series[Any]", decimals: int) -> list[Any]:
    """What the cells of a table's column hold: as ``safe_value``, floats rounded."""
    values = column.tolist()
    if column.dtype == np.float64:  # most columns of the largest sheets
        return [None if math.isnan(value) else round(value, decimals) for value in values]
    return [safe_value(value) for value in values]
