"""The Timeline sheet: native charts of blastocyst area and blastocoel share over time, an embryo a block.

The charts read the sheet Charts, which holds nothing else: a doubtful frame is a point of a series of its
own, because not every program draws a single point of a series in another way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.chart import Reference, ScatterChart, Series
from openpyxl.chart.label import DataLabel, DataLabelList
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import CharacterProperties, Paragraph, ParagraphProperties
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from blastoseg.report.curves import Curve, CurveMaker, Curves, Floats
from blastoseg.report.sheet import FIRST_ROW, TITLE_ROWS, Layout, Sheet
from blastoseg.report.tables import plain_text
from blastoseg.tissues import BLASTOCOEL

MOST_CHARTED = 60
"""Embryos with charts; a workbook with hundreds of charts opens slowly."""
ROWS_PER_CHART = 16
CHARTS_PER_PAGE = 3
PRINTED_PERCENT = 66
"""Scale at which two columns and ``CHARTS_PER_PAGE`` rows of charts fit a page that begins with the title."""
LONGEST_TITLE = 40
LINE_COLOUR = (31, 78, 95)
MARK_COLOUR = "8C5A00"
CHART_WIDTH_CM, CHART_HEIGHT_CM = 19.3, 7.5
SECOND_CHART_COLUMN = "M"
MARK_HEIGHTS = (1.0, 0.92, 0.84)
"""Of the y axis: names of events that follow closely stand above one another."""
_COLUMNS, _COLUMN_WIDTH = 23, 9
_HEADINGS = (
    *("Embryo or event", "x"),
    *("Area: course", "Area: sure", "Area: doubtful"),
    *("Blastocoel: course", "Blastocoel: sure", "Blastocoel: doubtful"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How one of a curve's columns is drawn: a line where it has no ``size``, else points."""

    title: str
    offset: int
    size: int | None = None
    fill: str = ""


_HOLLOW = Look("doubtful, hollow", 2, size=3, fill="FFFFFF")
LOOKS = (_HOLLOW, Look("course", 0), Look("sure", 1, size=4), Look("doubtful", 2, size=5), _HOLLOW)
"""LibreOffice draws no outlines: a hollow point is a white one on a larger one. It draws the first series on
top, Excel the last."""
_AREA, _CAVITY = 3, 6
"""The columns of Charts at which a curve's three begin."""


def charted(maker: CurveMaker, embryos: Iterable[str]) -> list[str]:
    """Those of the embryos that have charts, in the order given."""
    return [embryo for embryo in embryos if maker.has(embryo)]


def chart_rows(embryos: Sequence[str]) -> dict[str, int]:
    """The row of Timeline at which each of the ``charted`` embryos' block begins."""
    return {embryo: FIRST_ROW + place * ROWS_PER_CHART for place, embryo in enumerate(embryos[:MOST_CHARTED])}


def write_timeline(workbook: Workbook, maker: CurveMaker, embryos: Sequence[str]) -> "ChartValues":
    """Append the sheet, with a block for each of the ``charted`` embryos; returns what Charts must hold."""
    heading = "Blastocyst area and blastocoel share over time"
    if len(embryos) > MOST_CHARTED:
        heading += f": the first {MOST_CHARTED} of {len(embryos)} embryos (the Frames sheet has all)"
    note = (
        "Line: the course. Points: frames, hollow where a frame is for review or contradicts its neighbours. "
        "Upright lines: events (suggested, research use)."
    )
    # Fitted to a page's width, a printer would cut charts in two: breaks are kept at a fixed scale only.
    layout = Layout([_COLUMN_WIDTH] * _COLUMNS, frozen_rows=TITLE_ROWS, scale=PRINTED_PERCENT, note=note)
    sheet = Sheet(workbook, "Timeline", heading, layout)
    if not embryos:
        sheet.append(["No embryo was measured in two frames or more."])
    values = ChartValues()
    for index, (embryo, place) in enumerate(chart_rows(embryos).items()):
        if index and index % CHARTS_PER_PAGE == 0:
            sheet.plain.row_breaks.append(Break(id=place - 1))
        curves = maker.of(embryo)
        first = values.add(embryo, curves)
        for anchor, curve, column, colour in (
            ("A", curves.area, _AREA, LINE_COLOUR),
            (SECOND_CHART_COLUMN, curves.cavity, _CAVITY, BLASTOCOEL.colour),
        ):
            chart = _chart(curves, curve, (first, column), "".join(f"{part:02X}" for part in colour))
            chart.title = shortened(plain_text(embryo))
            sheet.plain.add_chart(chart, f"{anchor}{place}")
    # A sheet of charts has no cells that would tell a printer where it ends.
    last = FIRST_ROW + max(len(embryos[:MOST_CHARTED]), 1) * ROWS_PER_CHART - 1
    sheet.plain.print_area = f"A1:{get_column_letter(_COLUMNS)}{last}"
    return values


@dataclass
class ChartValues:
    """The rows of the sheet Charts below its header: of each embryo its frames, then two for each event."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, embryo: str, curves: Curves) -> int:
        """Add an embryo's rows; returns the number of the first."""
        first = FIRST_ROW + len(self.rows)
        columns: list[Floats] = [curves.x]
        for curve in (curves.area, curves.cavity):
            columns += [curve.course, curve.sure, curve.doubtful]
        self.rows += [(embryo, *values) for values in zip(*columns, strict=True)]
        for number, (name, x) in enumerate(curves.marks):
            height = MARK_HEIGHTS[number % len(MARK_HEIGHTS)]
            for share in (0.0, height):
                area, cavity = share * curves.area.top, share * curves.cavity.top
                self.rows.append((name, x, area, None, None, cavity, None, None))
        return first

    def write(self, workbook: Workbook) -> None:
        """Append the sheet Charts."""
        layout = Layout([20, 10, *[14.0] * 6], frozen_columns=1, scale=PRINTED_PERCENT)
        sheet = Sheet(workbook, "Charts", "What the charts of Timeline draw", layout)
        sheet.append_header(_HEADINGS, len(self.rows))
        for name, *numbers in self.rows:
            cells = [
                None if number is None or np.isnan(number) else round(float(number), 4) for number in numbers
            ]
            sheet.append([plain_text(name), *cells])


def shortened(title: str) -> str:
    """A name as a title, which must not run over its neighbours."""
    return title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]}…"


def _chart(curves: Curves, curve: Curve, at: tuple[int, int], colour: str) -> ScatterChart:
    """A chart that reads the rows of Charts from ``at`` (row, column) on."""
    first, column = at
    last = first + len(curves.x) - 1
    chart = ScatterChart()
    chart.style, chart.legend = 2, None
    chart.scatterStyle = "lineMarker"
    # Frames left out of the course don't cut its line.
    chart.display_blanks = "span"
    chart.width, chart.height = CHART_WIDTH_CM, CHART_HEIGHT_CM
    # Without this Excel hides the axes of charts that openpyxl makes.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.majorGridlines = None
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=LineProperties(solidFill="D9D9D9"))
    chart.x_axis.title, chart.y_axis.title = curves.x_title, curve.title
    chart.x_axis.scaling.min, chart.x_axis.scaling.max = curves.x_range
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, curve.top
    chart.x_axis.number_format, chart.y_axis.number_format = "0", "0%" if curve.is_share else "#,##0"
    for number, (name, _) in enumerate(curves.marks):
        row = last + 1 + 2 * number
        chart.append(_mark(name, (row, row + 1), column))
    for look in LOOKS:
        chart.append(_series(look, (first, last), column, colour))
    return chart


def _series(look: "Look", rows: tuple[int, int], column: int, colour: str) -> Series:
    series = Series(_cells(rows, column + look.offset), _cells(rows, 2), title=look.title)
    series.smooth = False
    if look.size is None:
        series.graphicalProperties.line.solidFill = colour
        series.graphicalProperties.line.width = 15_000
        series.marker.symbol = "none"
        return series
    series.graphicalProperties.line.noFill = True
    series.marker.symbol, series.marker.size = "circle", look.size
    series.marker.graphicalProperties = GraphicalProperties(solidFill=look.fill or colour)
    series.marker.graphicalProperties.line.solidFill = look.fill or colour
    return series


def _mark(name: str, rows: tuple[int, int], column: int) -> Series:
    """An upright line at an event, with its name at the upper end."""
    series = Series(_cells(rows, column), _cells(rows, 2))
    series.tx = SeriesLabel(v=name)
    series.smooth = False
    series.marker.symbol = "none"
    series.graphicalProperties.line = LineProperties(solidFill=MARK_COLOUR, w=9_000, prstDash="dash")
    small = CharacterProperties(sz=800, solidFill=MARK_COLOUR)
    text = RichText(p=[Paragraph(pPr=ParagraphProperties(defRPr=small), endParaRPr=small)])
    shown = {"showSerName": True, "showVal": False, "showLegendKey": False, "showCatName": False}
    label = DataLabel(idx=1, dLblPos="r", txPr=text, showPercent=False, showBubbleSize=False, **shown)
    others = dict.fromkeys((*shown, "showPercent", "showBubbleSize"), False)
    series.dLbls = DataLabelList(dLbl=[label], **others)
    return series


def _cells(rows: tuple[int, int], column: int) -> Reference:
    letter = get_column_letter(column)
    return Reference(range_string=f"Charts!${letter}${rows[0]}:${letter}${rows[1]}")
