"""The evaluation as an Excel workbook: Scores, Confusion, Agreement, Cases, Run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image as PillowImage

from blastoseg.report.sheet import LEFT, POINTS_PER_PIXEL, TITLE_ROWS, TOP, Layout, Sheet, workbook_at
from blastoseg.training.reliability import BINS

THUMBNAILS = 30
"""So many of the worst cases show their overlay; all overlays are files."""
THUMBNAIL_HEIGHT_PX = 160
WIDTH, NARROW = 12.5, 9.7
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
    with workbook_at(path) as book:
        _write_scores(book, tables)
        _write_confusion(book, tables)
        _write_agreement(book, tables)
        _write_cases(book, tables)
        _write_run(book, tables)


def _write_scores(book: Workbook, tables: EvaluationTables) -> None:
    shown = (tables.scores, tables.screening, tables.calibration)
    widths = [62, 16] + [WIDTH] * (max(len(table.columns) for table in shown) - 2)
    sheet = Sheet(book, "Scores", "Overlap with the reference labels", Layout(widths, frozen_rows=0))
    sheet.append_notes(
        "pooled: pixels of all images added up before scoring. mean of images: every image scored, then "
        "averaged; a tissue in neither map of an image has no score there.",
        "mean: over the five tissues, background included. accuracy of a tissue: it against the rest; of "
        "all pixels: share with the right tissue. Distances: 95 % Hausdorff and mean surface distance.",
    )
    sheet.append_table(tables.scores, _format_of)
    sheet.append_section("What is shown, and what a person is asked to look at")
    sheet.append_table(tables.screening, _format_of)
    sheet.append_section(f"Calibration of the winning tissue's probability, {BINS} bins (Guo et al. 2017)")
    sheet.append_table(tables.calibration, _format_of)


def _write_confusion(book: Workbook, tables: EvaluationTables) -> None:
    counts = tables.confusion
    totals = counts.sum(axis=1)
    shares = counts.div(totals.where(totals > 0), axis=0)
    layout = Layout([16] + [WIDTH] * len(counts.columns), frozen_rows=0)
    sheet = Sheet(book, "Confusion", "Where the pixels of each reference tissue went", layout)
    sheet.append_section("Share of the reference tissue's pixels (rows: reference, columns: predicted)")
    sheet.append_table(shares.reset_index(), lambda name, row: "0.0%")
    sheet.append_section("Pixels")
    sheet.append_table(counts.reset_index(), lambda name, row: "#,##0")


def _write_agreement(book: Workbook, tables: EvaluationTables) -> None:
    notes = (
        "bias, sd: of predicted - reference. limits: bias -+ 1.96 sd (Bland & Altman 1986). icc: ICC(2,1), "
        "absolute agreement (Shrout & Fleiss 1979; McGraw & Wong 1996).",
        "only_predicted, only_reference: cases with the measure on one side only. Blastocysts alone.",
    )
    widths = [17, 32] + [WIDTH] * (len(tables.agreement.columns) - 2)
    layout = Layout(widths, frozen_columns=2, frozen_rows=TITLE_ROWS + len(notes) + 1)
    sheet = Sheet(book, "Agreement", "Measures: predicted against reference", layout)
    sheet.append_notes(*notes)
    sheet.append_table(tables.agreement, _format_of_agreement)


def _write_cases(book: Workbook, tables: EvaluationTables) -> None:
    pictures = [
        _thumbnail(tables.root / overlay) if overlay and place < THUMBNAILS else None
        for place, overlay in enumerate(tables.cases["overlay"])
    ]
    width = max((picture.width for picture in pictures if picture), default=0)
    names = [str(name) for name in tables.cases.columns]
    known = {"case": 30, "reason": 34, "flags": 24, "overlay": 9}
    widths = [max(9, width / 7 + 1), *(known.get(name, NARROW) for name in names)]
    sheet = Sheet(book, "Cases", "Every case, worst mean Jaccard first", Layout(widths, frozen_columns=2))
    sheet.append_header(["picture", *(name.replace("_", " ") for name in names)], len(tables.cases))
    for row, picture in zip(tables.cases.to_dict("records"), pictures, strict=True):
        if picture:
            sheet.add_image(picture, sheet.next_row)
        cells = {
            name: sheet.cell(value, number_format=_format_of(str(name), row), alignment=TOP)
            for name, value in row.items()
        }
        cells["overlay"] = sheet.link(row["overlay"], "open", TOP)
        sheet.append(
            [sheet.cell(None), *cells.values()],
            THUMBNAIL_HEIGHT_PX * POINTS_PER_PIXEL + 3 if picture else None,
        )


def _write_run(book: Workbook, tables: EvaluationTables) -> None:
    sheet = Sheet(book, "Run", "How this was made", Layout([26, 100], frozen_columns=1))
    sheet.append_header(["entry", "value"], len(tables.run))
    for name, value in tables.run.items():
        sheet.append([sheet.cell(name, alignment=LEFT), sheet.cell(value, alignment=LEFT)])


def _format_of(name: str, row: Mapping[Any, Any]) -> str:
    """How a number of a column is shown; whole numbers have no decimals."""
    if isinstance(row[name], int):
        return "#,##0"
    return "0.000" if name.startswith(SHARES) else "#,##0.00"


def _format_of_agreement(name: str, row: Mapping[Any, Any]) -> str:
    is_share = row["unit"] in ("fraction", "") and isinstance(row[name], float)
    return "0.000" if is_share else _format_of(name, row)


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
