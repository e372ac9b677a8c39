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
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.colors import Color

from blastoseg.columns import BY_NAME
from blastoseg.errors import UnreadableFrameError
from blastoseg.quality import doubtful_tissues
from blastoseg.records import TimeReference
from blastoseg.report.headline import COURSE, HOURS, MEASURES, Headline, unit_of_length
from blastoseg.report.notes import EMBRYO_HEADING, NOTES_HEADING, note_text
from blastoseg.report.overlay import draw_thumbnail
from blastoseg.report.sheet import CENTRED, FIRST_ROW, MIDDLE, POINTS_PER_PIXEL, Layout, Sheet
from blastoseg.report.tables import plain_text
from blastoseg.report.wording import flags_in_words, heading_of, symbols_of
from blastoseg.sources.label_images import read_label_image

THUMBNAIL_SIDE = 110
# Pale blue, yellow, gray and orange: green beside red is one colour to one man in twelve.
STATUS_COLOURS = {"ok": "FFD6E9F8", "review": "FFFFEB9C", "excluded": "FFE7E6E6", "failed": "FFF4B183"}
FLAG_COLOUR = "FFFFF4D6"
DOUBTFUL = Font(name="Calibri", italic=True, color=Color("FF8C8C8C"))
"""A number that a doubtful tissue gave: to be read with the picture beside it."""
_LEADING_WIDTHS = (15.5, 12, 7, 9, 20)
_MEASURE_WIDTH, _COURSE_WIDTH, _LINK_WIDTH, _NOTES_WIDTH = 9.3, 9.4, 8, 22


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a frame's mask and overlay lie."""

    mask: Path
    overlay: Path


def write_summary(
    workbook: Workbook, embryos: pd.DataFrame, pictures: Mapping[str, Pictures], notes: Mapping[str, str]
) -> None:
    """Append the sheet. ``pictures`` maps an embryo's id to those of the frame its row shows, if any.

    ``notes`` maps an embryo's name, as a cell shows it, to the lab's note on it.
    """
    unit = unit_of_length(embryos)
    shown = MEASURES + COURSE
    widths = [
        *_LEADING_WIDTHS,
        *([_MEASURE_WIDTH] * len(MEASURES) + [_COURSE_WIDTH] * len(COURSE)),
        *(_LINK_WIDTH, _NOTES_WIDTH),
    ]
    heading = (
        f"Embryos: the best recent frame of each, lengths in {symbols_of(unit)}, {_hours(embryos)}; "
        "gray: of a doubtful tissue"
    )
    sheet = Sheet(workbook, "Summary", heading, Layout(widths, frozen_columns=2))
    identity = [heading_of(BY_NAME[name]) for name in ("time_h", "status", "doubt")]
    measures = [headline.heading(unit) for headline in shown]
    sheet.append_header(
        ["Picture", EMBRYO_HEADING, *identity, *measures, "Overlay", NOTES_HEADING], len(embryos)
    )
    for row in embryos.to_dict("records"):
        thumbnail = _thumbnail(pictures.get(str(row["embryo_id"])))
        if thumbnail is not None:
            sheet.add_image(thumbnail, sheet.next_row)
        note = sheet.text_cell(note_text(notes.get(plain_text(row["embryo_id"]), "")), MIDDLE)
        sheet.append([*_cells(sheet, row, shown, unit), note], (THUMBNAIL_SIDE + 6) * POINTS_PER_PIXEL)
    here = {plain_text(embryo) for embryo in embryos["embryo_id"]}
    gone = {embryo: note for embryo, note in notes.items() if embryo not in here}
    if gone:
        # Under the same headings, so that they are read back as the others are.
        sheet.append_section("Notes on embryos that are not in this report")
        empty = [None] * (len(shown) + 4)
        for embryo, note in gone.items():
            cells = [sheet.text_cell(embryo, MIDDLE), *empty, sheet.text_cell(note_text(note), MIDDLE)]
            sheet.append([None, *cells])
    _colour(sheet.plain, FIRST_ROW + max(len(embryos), 1) - 1)


def _hours(embryos: pd.DataFrame) -> str:
    """What the hours count from, in words."""
    references = list(embryos["time_reference"].dropna().unique())
    if len(references) == 1 and references[0] != TimeReference.UNKNOWN:
        return f"hours since {references[0]}"
    return "hours since a time that is not known" if len(references) < 2 else "hours since what Embryos names"


def _cells(sheet: Sheet, row: dict[Any, Any], shown: tuple[Headline, ...], unit: str) -> list[Any]:
    flags, reason = (row[name] if isinstance(row[name], str) else "" for name in ("flags", "reason"))
    doubtful = doubtful_tissues(flags, reason)
    return [
        sheet.cell(None),
        sheet.cell(row["embryo_id"], alignment=MIDDLE),
        _number(sheet, HOURS, row["time_h"]),
        sheet.cell(row["status"], alignment=CENTRED),
        sheet.cell(reason or flags_in_words(flags), alignment=MIDDLE),
        *(
            _number(sheet, one, row[one.column(unit).name], DOUBTFUL if one.is_doubtful(doubtful) else None)
            for one in shown
        ),
        sheet.link(row["overlay"], "open", CENTRED),
    ]


def _number(sheet: Sheet, headline: Headline, value: Any, font: Font | None = None) -> Any:
    if pd.isna(value):
        return sheet.cell(None)
    shown, number_format = headline.rounded(value), headline.number_format(value)
    return sheet.cell(shown, font, number_format=number_format, alignment=CENTRED)


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
