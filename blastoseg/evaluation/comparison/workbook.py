"""A comparison as an Excel workbook: Networks, Table 1, Tissues, Images, Pictures, Run."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage

from blastoseg.evaluation.comparison.page import NOTES
from blastoseg.report.sheet import LEFT, Layout, Sheet, workbook_at

WIDTH = 11.5
WIDE = {"network": 30, "status": 22, "averaging": 15, "start": 14, "optimiser": 44, "image": 34}
FRACTIONS = ("jaccard", "dice", "precision", "recall", "accuracy", "difference")
POINTS_A_PIXEL = 0.75


def write_workbook(
    path: Path, tables: Mapping[str, pd.DataFrame], facts: Mapping[str, str], pictures: Mapping[str, Path]
) -> None:
    """Write the workbook to ``path``; ``pictures`` by what they show."""
    with workbook_at(path) as book:
        start = ", ".join(dict.fromkeys(tables["networks"]["start"]))
        _write_table(book, "Networks", "Networks compared (Table 2 of the I2CNet paper)", tables["networks"])
        if len(tables["ablation"]):
            _write_table(book, "Table 1", "Contexts of I2CNet (Table 1 of the paper)", tables["ablation"])
        _write_table(book, "Tissues", "Scores by tissue", tables["tissues"])
        _write_table(book, "Images", f"Mean Jaccard of each test image, networks {start}", tables["images"])
        _write_pictures(book, pictures)
        sheet = Sheet(book, "Run", "How this was made", Layout([26, 100], frozen_columns=1))
        sheet.append_header(["entry", "value"], len(facts))
        for name, value in facts.items():
            sheet.append([sheet.cell(name, alignment=LEFT), sheet.cell(value, alignment=LEFT)])


def _write_table(book: Workbook, title: str, heading: str, table: pd.DataFrame) -> None:
    shown = table.drop(columns=[name for name in ("name",) if name in table])
    is_scored = title in ("Networks", "Table 1")
    widths = [WIDE.get(str(name), WIDTH) for name in shown.columns]
    sheet = Sheet(book, title, heading, Layout(widths, frozen_columns=1, frozen_rows=0))
    if is_scored:
        sheet.append_notes(*NOTES)
    sheet.append_table(shown, _format_of)


def _format_of(name: str, row: Mapping[str, Any]) -> str:
    if isinstance(row[name], int):
        return "#,##0"
    if name.startswith(FRACTIONS) or "averaging" not in row:
        return "0.0000"
    return "0.0000" if name.startswith("p") and not name.startswith("param") else "#,##0.00"


def _write_pictures(book: Workbook, pictures: Mapping[str, Path]) -> None:
    sheet = Sheet(book, "Pictures", "Pictures", Layout([120], frozen_rows=0))
    for title, path in pictures.items():
        sheet.append_section(title)
        picture = SheetImage(BytesIO(path.read_bytes()))
        sheet.add_image(picture, sheet.next_row)
        # A row holds 409 points at most.
        rows = int(picture.height * POINTS_A_PIXEL // 400) + 1
        for _ in range(rows):
            sheet.append([], picture.height * POINTS_A_PIXEL / rows + 4)
