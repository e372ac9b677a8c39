"""The evaluation as an Excel workbook: Scores, Confusion, Agreement, Cases, Run."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from PIL import Image as PillowImage

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.tables import plain_text
from blastoseg.training.reliability import BINS

THUMBNAILS = 30
"""So many of the worst cases show their overlay; all overlays are files."""
THUMBNAIL_HEIGHT_PX = 190
HEADER_HEIGHT = 44
HEADER_FILL = PatternFill("solid", fgColor="26547C")
HEADER_FONT = Font(bold=True, color="FFFFFF")
TITLE_FONT = Font(bold=True, size=13)
NOTE_FONT = Font(italic=True, color="666666")
SECTION_FONT = Font(bold=True)
SHARES = ("jaccard", "dice", "precision", "recall", "accuracy", "icc", "share", "expected", "to", "from")


@dataclass(frozen=True, slots=True)
class EvaluationTables:
    """Everything the workbook shows. ``root`` is where the overlays named in ``cases`` lie."""

    scores: pd.DataFrame
    screening: pd.DataFrame
    calibration: pd.DataFrame
    confusion: pd.DataFrame
    agreement: pd.DataFrame
    cases: pd.DataFrame
    run: Mapping[str, str]
    root: Path


def write_workbook(path: Path, tables: EvaluationTables) -> None:
    """Write the workbook to ``path``."""
    book = Workbook()
    book.remove(book.active)
    _scores_sheet(_sheet(book, "Scores", "Overlap with the reference labels"), tables)
    _confusion_sheet(_sheet(book, "Confusion", "Where the pixels of each reference tissue went"), tables)
    _agreement_sheet(_sheet(book, "Agreement", "Measures: predicted against reference"), tables)
    _cases_sheet(_sheet(book, "Cases", "Every case, worst mean Jaccard first"), tables)
    _run_sheet(_sheet(book, "Run", "How this was made"), tables)
    book.save(path)


def _sheet(book: Workbook, name: str, title: str) -> Worksheet:
    sheet = book.create_sheet(name)
    sheet["A1"], sheet["A1"].font = title, TITLE_FONT
    sheet["A2"], sheet["A2"].font = RESEARCH_USE_ONLY, NOTE_FONT
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.sheet_view.showGridLines = False
    return sheet


def _scores_sheet(sheet: Worksheet, tables: EvaluationTables) -> None:
    row = _notes(
        sheet,
        3,
        "pooled: pixels of all images added up before scoring. mean of images: every image scored, then "
        "averaged; a tissue in neither map of an image has no score there.",
        "mean: over the five tissues, background included. accuracy of a tissue: it against the rest; of "
        "all pixels: share with the right tissue. Distances: 95 % Hausdorff and mean surface distance.",
    )
    row = _table(sheet, row + 1, tables.scores)
    row = _section(sheet, row + 1, "What is shown, and what a person is asked to look at")
    row = _table(sheet, row, tables.screening)
    row = _section(
        sheet, row + 1, f"Calibration of the winning tissue's probability, {BINS} bins (Guo et al. 2017)"
    )
    _table(sheet, row, tables.calibration)
    _fit_widths(sheet, {1: 62, 2: 16})


def _confusion_sheet(sheet: Worksheet, tables: EvaluationTables) -> None:
    counts = tables.confusion
    totals = counts.sum(axis=1)
    shares = counts.div(totals.where(totals > 0), axis=0)
    row = _section(sheet, 4, "Share of the reference tissue's pixels (rows: reference, columns: predicted)")
    row = _table(sheet, row, shares.reset_index(), default_format="0.0%")
    row = _section(sheet, row + 1, "Pixels")
    _table(sheet, row, counts.reset_index())
    _fit_widths(sheet, {1: 16})


def _agreement_sheet(sheet: Worksheet, tables: EvaluationTables) -> None:
    row = _notes(
        sheet,
        3,
        "bias, sd: of predicted - reference. limits: bias -+ 1.96 sd (Bland & Altman 1986). icc: ICC(2,1), "
        "absolute agreement (Shrout & Fleiss 1979; McGraw & Wong 1996).",
        "only_predicted, only_reference: cases with the measure on one side only. Blastocysts alone.",
    )
    _table(sheet, row + 1, tables.agreement)
    for offset, unit in enumerate(tables.agreement["unit"], start=2):
        if unit in ("fraction", ""):
            for column in range(5, 1 + len(tables.agreement.columns)):
                cell = sheet.cell(row + offset, column)
                cell.number_format = "0.000" if isinstance(cell.value, float) else cell.number_format
    sheet.freeze_panes = sheet.cell(row=row + 2, column=3)
    _fit_widths(sheet, {1: 17, 2: 32})


def _cases_sheet(sheet: Worksheet, tables: EvaluationTables) -> None:
    cases = tables.cases.copy()
    cases.insert(0, "picture", [None] * len(cases))
    first = 5
    _table(sheet, first - 1, cases)
    links = list(cases.columns).index("overlay") + 1
    picture_width = 0
    for offset, overlay in enumerate(cases["overlay"]):
        if not overlay:
            continue
        sheet.cell(first + offset, links).hyperlink = overlay
        if offset < THUMBNAILS:
            picture = _thumbnail(tables.root / overlay)
            sheet.add_image(picture, f"A{first + offset}")
            sheet.row_dimensions[first + offset].height = THUMBNAIL_HEIGHT_PX * 0.75 + 3
            picture_width = max(picture_width, picture.width)
    for cells in sheet.iter_rows(min_row=first):
        for cell in cells:
            cell.alignment = Alignment(vertical="top")
    sheet.freeze_panes = sheet.cell(row=first, column=3)
    _fit_widths(sheet, {1: max(9, picture_width / 7 + 1), 2: 30, 5: 34, 6: 48, links: 44})


def _run_sheet(sheet: Worksheet, tables: EvaluationTables) -> None:
    for row, (name, value) in enumerate(tables.run.items(), start=4):
        sheet.cell(row, 1, name).font = SECTION_FONT
        sheet.cell(row, 2, plain_text(value))
    _fit_widths(sheet, {1: 26, 2: 100})


def _notes(sheet: Worksheet, row: int, *notes: str) -> int:
    for note in notes:
        sheet.cell(row, 1, note).font = NOTE_FONT
        row += 1
    return row


def _section(sheet: Worksheet, row: int, title: str) -> int:
    sheet.cell(row, 1, title).font = SECTION_FONT
    return row + 1


def _table(sheet: Worksheet, row: int, table: pd.DataFrame, default_format: str | None = None) -> int:
    """Write a table with its header at ``row``; returns the row below it."""
    for column, name in enumerate(table.columns, start=1):
        cell = sheet.cell(row, column, str(name).replace("_", " "))
        cell.font, cell.fill = HEADER_FONT, HEADER_FILL
        is_text = not pd.api.types.is_numeric_dtype(table[name])
        cell.alignment = Alignment("left" if is_text else "right", "center", wrap_text=True)
        number_format = default_format or _format_of(str(name))
        for offset, value in enumerate(table[name], start=1):
            plain = _plain(value)
            target = sheet.cell(row + offset, column, plain)
            if isinstance(plain, float):
                target.number_format = number_format
            elif isinstance(plain, int) and not isinstance(plain, bool):
                target.number_format = "#,##0"
    sheet.row_dimensions[row].height = HEADER_HEIGHT
    return row + len(table) + 1


def _plain(value: object) -> str | float | int | bool | None:
    """A value as a cell takes it; None for what is undefined."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, float | int | bool) else plain_text(str(value))


def _format_of(name: str) -> str:
    return "0.000" if name.startswith(SHARES) else "#,##0.00"


def _fit_widths(sheet: Worksheet, known: Mapping[int, float]) -> None:
    for column in range(1, sheet.max_column + 1):
        sheet.column_dimensions[get_column_letter(column)].width = known.get(column, 12.5)


def _thumbnail(path: Path) -> SheetImage:
    with PillowImage.open(path) as picture:
        picture.thumbnail((4 * THUMBNAIL_HEIGHT_PX, THUMBNAIL_HEIGHT_PX))
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=85)
    buffer.seek(0)
    return SheetImage(buffer)


def run_facts(facts: Iterable[tuple[str, object]]) -> dict[str, str]:
    """What the Run sheet shows, in words; a fact that is None reads 'not given'."""
    return {name: "not given" if value is None else str(value) for name, value in facts}
