"""The Timeline sheet: native charts of blastocyst area and blastocoel share over time, an embryo a row."""

from itertools import groupby
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.chart import Reference, ScatterChart, Series
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import Break

from blastoseg.columns import BY_NAME, REPORTED_FRAME_COLUMNS
from blastoseg.report.sheet import FIRST_ROW, TITLE_ROWS, Layout, Sheet
from blastoseg.report.tables import plain_text
from blastoseg.report.wording import heading_of
from blastoseg.tissues import BLASTOCOEL

MOST_CHARTED = 60
"""Embryos with charts; a workbook with hundreds of charts opens slowly."""
ROWS_PER_CHART = 16
CHARTS_PER_PAGE = 3
PRINTED_PERCENT = 66
"""Scale at which two columns and ``CHARTS_PER_PAGE`` rows of charts fit a page that begins with the title."""
LONGEST_TITLE = 40
LINE_COLOUR = (31, 78, 95)
CHART_WIDTH_CM, CHART_HEIGHT_CM = 15.0, 7.5
SECOND_CHART_COLUMN = "J"
_COLUMNS, _COLUMN_WIDTH = 18, 9


def write_timeline(workbook: Workbook, frames: pd.DataFrame, frames_sheet: Any, unit: str) -> None:
    """Append the sheet; its charts read ``frames_sheet``, whose rows hold ``frames`` in order."""
    embryos = [
        (str(embryo), [place for place, _ in rows])
        for embryo, rows in groupby(enumerate(frames["embryo_id"]), key=lambda pair: pair[1])
    ]
    charted = [(embryo, rows) for embryo, rows in embryos if _is_series(frames.iloc[rows])]
    heading = "Blastocyst area and blastocoel share over time"
    if len(charted) > MOST_CHARTED:
        heading += f": the first {MOST_CHARTED} of {len(charted)} embryos (the Frames sheet has all)"
    # Fitted to a page's width, a printer would cut charts in two: breaks are kept at a fixed scale only.
    layout = Layout([_COLUMN_WIDTH] * _COLUMNS, frozen_rows=TITLE_ROWS, scale=PRINTED_PERCENT)
    sheet = Sheet(workbook, "Timeline", heading, layout)
    if not charted:
        sheet.append(["No embryo was measured in two frames or more."])
    for index, (embryo, rows) in enumerate(charted[:MOST_CHARTED]):
        place = FIRST_ROW + index * ROWS_PER_CHART
        if index and index % CHARTS_PER_PAGE == 0:
            sheet.plain.row_breaks.append(Break(id=place - 1))
        has_hours = bool(frames["time_h"].iloc[rows].notna().all())
        x_name = "time_h" if has_hours else "frame_index"
        for anchor, y_name, colour in (
            ("A", f"blastocyst_area_{unit}2", LINE_COLOUR),
            (SECOND_CHART_COLUMN, "blastocoel_area_frac", BLASTOCOEL.colour),
        ):
            chart = _chart(frames_sheet, (x_name, y_name), (rows[0], rows[-1]), colour)
            chart.title = _shortened(plain_text(embryo))
            chart.x_axis.title, chart.y_axis.title = _title_of(x_name), _title_of(y_name)
            chart.y_axis.scaling.min = 0
            if y_name.endswith("_frac"):
                chart.y_axis.scaling.max = 1
                chart.y_axis.number_format = "0%"
            sheet.plain.add_chart(chart, f"{anchor}{place}")
    # A sheet of charts has no cells that would tell a printer where it ends.
    last = FIRST_ROW + max(len(charted[:MOST_CHARTED]), 1) * ROWS_PER_CHART - 1
    sheet.plain.print_area = f"A1:{get_column_letter(_COLUMNS)}{last}"


def _title_of(name: str) -> str:
    """An axis's title: a share is shown in percent."""
    return heading_of(BY_NAME[name]).replace(", fraction", "")


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]}…"


def _is_series(frames: pd.DataFrame) -> bool:
    return int(frames["blastocyst_area_px2"].notna().sum()) >= 2


def _chart(
    frames_sheet: Any, names: tuple[str, str], rows: tuple[int, int], colour: tuple[int, int, int]
) -> ScatterChart:
    x, y = (_cells(frames_sheet, name, rows) for name in names)
    series = Series(y, x)
    hexadecimal = "".join(f"{part:02X}" for part in colour)
    series.graphicalProperties.line.solidFill = hexadecimal
    series.graphicalProperties.line.width = 19_000
    series.marker.symbol = "circle"
    series.marker.size = 4
    series.marker.graphicalProperties.solidFill = hexadecimal
    series.marker.graphicalProperties.line.solidFill = hexadecimal
    series.smooth = False
    chart = ScatterChart()
    chart.style, chart.legend = 2, None
    chart.scatterStyle = "lineMarker"
    chart.width, chart.height = CHART_WIDTH_CM, CHART_HEIGHT_CM
    # Without this Excel hides the axes of charts that openpyxl makes.
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.majorGridlines = None
    chart.append(series)
    return chart


def _cells(frames_sheet: Any, name: str, rows: tuple[int, int]) -> Reference:
    column = [column.name for column in REPORTED_FRAME_COLUMNS].index(name) + 1
    return Reference(frames_sheet, min_col=column, min_row=FIRST_ROW + rows[0], max_row=FIRST_ROW + rows[1])
