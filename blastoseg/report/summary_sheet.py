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
from openpyxl.styles import PatternFill

from blastoseg.columns import BY_NAME
from blastoseg.errors import UnreadableFrameError
from blastoseg.records import TimeReference
from blastoseg.report.headline import COURSE, HOURS, IDENTITY, MEASURES, Headline, unit_of_length
from blastoseg.report.overlay import draw_thumbnail
from blastoseg.report.sheet import CENTRED, FIRST_ROW, MIDDLE, POINTS_PER_PIXEL, Layout, Sheet
from blastoseg.report.wording import flags_in_words, heading_of, symbols_of
from blastoseg.sources.label_images import read_label_image

THUMBNAIL_SIDE = 110
# Pale blue, yellow, gray and orange: green beside red is one colour to one man in twelve.
STATUS_COLOURS = {"ok": "FFD6E9F8", "review": "FFFFEB9C", "excluded": "FFE7E6E6", "failed": "FFF4B183"}
FLAG_COLOUR = "FFFFF4D6"
_WIDTHS = {"embryo_id": 12, "time_h": 7, "status": 9, "flags": 13, "reason": 22, "frame_choice": 16}
_PRINTED_PERCENT = 55
"""So large that it can be read: a lab's Summary is two sheets of A4 wide."""
_PICTURE_WIDTH, _LINK_WIDTH, _MEASURE_WIDTH, _COURSE_WIDTH = 15.5, 7.5, 9.7, 8.7


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a frame's mask and overlay lie."""

    mask: Path
    overlay: Path


def write_summary(workbook: Workbook, embryos: pd.DataFrame, pictures: Mapping[str, Pictures]) -> None:
    """Append the sheet. ``pictures`` maps an embryo's id to those of the frame its row shows, if any."""
    unit = unit_of_length(embryos)
    shown = MEASURES + COURSE
    widths = [
        *(_PICTURE_WIDTH, *(_WIDTHS[name] for name in IDENTITY)),
        *([_MEASURE_WIDTH] * len(MEASURES) + [_COURSE_WIDTH] * len(COURSE)),
        *(_LINK_WIDTH, _LINK_WIDTH),
    ]
    heading = f"Embryos: the best recent frame of each, lengths in {symbols_of(unit)}, {_hours(embryos)}"
    sheet = Sheet(workbook, "Summary", heading, Layout(widths, frozen_columns=2, scale=_PRINTED_PERCENT))
    identity = [heading_of(BY_NAME[name]) for name in IDENTITY]
    measures = [headline.heading(unit) for headline in shown]
    sheet.append_header(["Picture", *identity, *measures, "Overlay", "Mask"], len(embryos))
    for row in embryos.to_dict("records"):
        thumbnail = _thumbnail(pictures.get(str(row["embryo_id"])))
        if thumbnail is not None:
            sheet.add_image(thumbnail, sheet.next_row)
        sheet.append(_cells(sheet, row, shown, unit), (THUMBNAIL_SIDE + 6) * POINTS_PER_PIXEL)
    _colour(sheet.plain, FIRST_ROW + max(len(embryos), 1) - 1)


def _hours(embryos: pd.DataFrame) -> str:
    """What the hours count from, in words."""
    references = list(embryos["time_reference"].dropna().unique())
    if len(references) == 1 and references[0] != TimeReference.UNKNOWN:
        return f"hours since {references[0]}"
    return "hours since a time that is not known" if len(references) < 2 else "hours since what Embryos names"


def _cells(sheet: Sheet, row: dict[Any, Any], shown: tuple[Headline, ...], unit: str) -> list[Any]:
    return [
        sheet.cell(None),
        sheet.cell(row["embryo_id"], alignment=MIDDLE),
        _number(sheet, HOURS, row["time_h"]),
        sheet.cell(row["status"], alignment=CENTRED),
        sheet.cell(flags_in_words(row["flags"]), alignment=MIDDLE),
        sheet.cell(row["reason"], alignment=MIDDLE),
        sheet.cell(row["frame_choice"], alignment=MIDDLE),
        *(_number(sheet, headline, row[headline.column(unit).name]) for headline in shown),
        sheet.link(row["overlay"], "open", CENTRED),
        sheet.link(row["mask"], "open", CENTRED),
    ]


def _number(sheet: Sheet, headline: Headline, value: Any) -> Any:
    if pd.isna(value):
        return sheet.cell(None)
    return sheet.cell(headline.rounded(value), number_format=headline.number_format(value), alignment=CENTRED)


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
