"""The Summary sheet: embryos by patient in the lab's order, with pictures and what embryologists grade."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.colors import Color
from openpyxl.utils import get_column_letter

from blastoseg.columns import BY_NAME
from blastoseg.report.embryo_pictures import EmbryoPictures, encoded
from blastoseg.report.headline import HOURS, SUMMARY, Headline, hours_in_words, unit_of_length
from blastoseg.report.notes import EMBRYO_HEADING, NOTES_HEADING, note_text
from blastoseg.report.ranking import NOT_A_CHOICE, Group, order_in_words, rows_of
from blastoseg.report.row_words import doubtful_in, look_at_in_words, stage_in_words, timings_in_words
from blastoseg.report.sheet import CENTRED, FIRST_ROW, MIDDLE, POINTS_PER_PIXEL, Layout, Sheet, wide_enough
from blastoseg.report.tables import plain_text
from blastoseg.report.wording import heading_of, symbols_of

THUMBNAIL_SIDE, STRIP_SIDE, FINENESS = 110, 62, 1.5
"""Pixels on a screen; pictures hold ``FINENESS`` times as many, for paper."""
MOST_IN_STRIP = 4
MOST_PICTURED = 1000
"""Embryos with pictures, the first in order: all lie in memory until the workbook is saved."""
GRADE_HEADING = "Grade, suggested"
# Pale blue, yellow, gray and orange: green beside red is one colour to one man in twelve.
STATUS_COLOURS = {"ok": "FFD6E9F8", "review": "FFFFEB9C", "excluded": "FFE7E6E6", "failed": "FFF4B183"}
FLAG_COLOUR = "FFFFF4D6"
DOUBTFUL = Font(name="Calibri", italic=True, color=Color("FF707070"))
"""A number that a doubtful tissue gave: to be read with the picture beside it."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside an embryo's row, by its id: pictures, the lab's notes, its chart's row on Timeline.

    Notes go by the embryo's name, or a patient's, as a cell shows it.
    """

    pictures: Mapping[str, EmbryoPictures]
    notes: Mapping[str, str]
    charts: Mapping[str, int]


def write_summary(workbook: Workbook, groups: Sequence[Group], order: Sequence[str], beside: Beside) -> None:
    """Append the sheet, a row an embryo; a heading a patient where any is known."""
    embryos = pd.concat([group.embryos for group in groups]) if groups else pd.DataFrame()
    page = _Page(embryos)
    heading = f"Embryos in order of {order_in_words(order)} (suggested): {NOT_A_CHOICE}"
    note = (
        f"The best recent frame of each; lengths in {symbols_of(page.unit)}, {hours_in_words(embryos)}; "
        "gray: of a doubtful tissue; earlier: before the first frame. Stage, timings, order are suggestions."
    )
    if len(embryos) > MOST_PICTURED:
        heading += f"; pictures of the first {MOST_PICTURED:,} of {len(embryos):,}"
    sheet = Sheet(workbook, "Summary", heading, Layout(page.widths, frozen_columns=2, note=note))
    with_patients = any(group.patient for group in groups)
    rows = len(embryos) + len(groups) * with_patients
    sheet.append_header(page.headings, rows)
    here = set()
    for group in groups:
        if with_patients:
            here.add(group.name)
            own = sheet.text_cell(note_text(beside.notes.get(group.name, "")), MIDDLE)
            beside_name = page.headings.index(GRADE_HEADING)
            sheet.append_band({0: group.name, beside_name: group.content}, len(page.headings) - 1, own)
        for row in rows_of(group):
            here.add(plain_text(row["embryo_id"]))
            page.append(sheet, row, beside)
    _append_others(sheet, {name: note for name, note in beside.notes.items() if name not in here}, page)
    page.colour(sheet.plain, FIRST_ROW + max(rows, 1) - 1)


def _append_others(sheet: Sheet, notes: Mapping[str, str], page: "_Page") -> None:
    """Notes on embryos that the report lacks, under the same headings: they are read back as others are."""
    if not notes:
        return
    sheet.append_section("Notes on embryos or patients that are not in this report")
    embryo, last = page.headings.index(EMBRYO_HEADING), len(page.headings) - 1
    for name, note in notes.items():
        cells: list[Any] = [None] * len(page.headings)
        cells[embryo], cells[last] = sheet.text_cell(name, MIDDLE), sheet.text_cell(note_text(note), MIDDLE)
        sheet.append(cells)


class _Page:
    """The columns of the sheet, for these embryos."""

    def __init__(self, embryos: pd.DataFrame) -> None:
        self.unit = unit_of_length(embryos) if len(embryos) else "px"
        self._has_dish = len(embryos) > 0 and bool((embryos["dish"].fillna("") != "").any())
        strip_width = (MOST_IN_STRIP * STRIP_SIDE + 4) / 7
        columns = [
            ("Picture", 15.5),
            (EMBRYO_HEADING, 13.5),
            *([("Dish", 8)] if self._has_dish else []),
            (heading_of(BY_NAME["time_h"]), 6.5),
            (heading_of(BY_NAME["status"]), 9),
            (heading_of(BY_NAME["doubt"]), 21),
            (GRADE_HEADING, 10),
            *((headline.heading(self.unit), 8.6) for headline in SUMMARY),
            ("Timings, h", 13),
            ("Course", strip_width),
            ("Overlay", 7),
            ("Chart", 6),
            (NOTES_HEADING, 17.5),
        ]
        self.headings = [heading for heading, _ in columns]
        self.widths = wide_enough(self.headings, [width for _, width in columns])

    def append(self, sheet: Sheet, row: dict[Any, Any], beside: Beside) -> None:
        """Append an embryo's row, with its pictures."""
        embryo = str(row["embryo_id"])
        pictures = beside.pictures.get(embryo, EmbryoPictures())
        self._add_pictures(sheet, pictures)
        chart = beside.charts.get(embryo)
        doubtful = doubtful_in(row)
        cells = [
            sheet.cell(None),
            sheet.cell(row["embryo_id"], alignment=MIDDLE),
            *([sheet.cell(row["dish"], alignment=MIDDLE)] if self._has_dish else []),
            _number(sheet, HOURS, row["time_h"]),
            sheet.cell(row["status"], alignment=CENTRED),
            sheet.cell(look_at_in_words(row), alignment=MIDDLE),
            sheet.lines_cell(stage_in_words(row)),
            *(
                _number(
                    sheet,
                    one,
                    row[one.column(self.unit).name],
                    DOUBTFUL if one.is_doubtful(doubtful) else None,
                )
                for one in SUMMARY
            ),
            sheet.lines_cell(timings_in_words(row)),
            sheet.cell(None),
            sheet.link(row["overlay"], "open", CENTRED),
            sheet.jump("Timeline", chart, "see", CENTRED) if chart else sheet.cell(None),
            sheet.text_cell(note_text(beside.notes.get(plain_text(embryo), "")), MIDDLE),
        ]
        sheet.append_text(cells, least=(THUMBNAIL_SIDE + 6) * POINTS_PER_PIXEL)

    def _add_pictures(self, sheet: Sheet, pictures: EmbryoPictures) -> None:
        if pictures.standing is not None:
            drawn = pictures.standing.thumbnail(round(THUMBNAIL_SIDE * FINENESS))
            if drawn is not None:
                sheet.add_image(_image(encoded(drawn), drawn.shape), sheet.next_row)
        strip = pictures.drawn_strip(round(STRIP_SIDE * FINENESS))
        if strip is not None:
            column = self.headings.index("Course") + 1
            sheet.add_image(_image(encoded(strip), strip.shape), sheet.next_row, get_column_letter(column))

    def colour(self, sheet: Any, last_row: int) -> None:
        """Colours of statuses, and of rows with something to look at."""
        status, doubt = (
            get_column_letter(self.headings.index(heading_of(BY_NAME[name])) + 1)
            for name in ("status", "doubt")
        )
        for word, colour in STATUS_COLOURS.items():
            fill = PatternFill("solid", bgColor=colour)
            rule = FormulaRule(formula=[f'${status}{FIRST_ROW}="{word}"'], fill=fill)
            sheet.conditional_formatting.add(f"{status}{FIRST_ROW}:{status}{last_row}", rule)
        fill = PatternFill("solid", bgColor=FLAG_COLOUR)
        flagged = FormulaRule(formula=[f"LEN(${doubt}{FIRST_ROW})>0"], fill=fill)
        sheet.conditional_formatting.add(f"{doubt}{FIRST_ROW}:{doubt}{last_row}", flagged)


def _image(data: bytes, shape: tuple[int, ...]) -> SheetImage:
    image = SheetImage(io.BytesIO(data))
    image.height, image.width = (round(pixels / FINENESS) for pixels in shape[:2])
    return image


def _number(sheet: Sheet, headline: Headline, value: Any, font: Font | None = None) -> Any:
    if pd.isna(value):
        return sheet.cell(None)
    shown, number_format = headline.rounded(value), headline.number_format(value)
    return sheet.cell(shown, font, number_format=number_format, alignment=CENTRED)
