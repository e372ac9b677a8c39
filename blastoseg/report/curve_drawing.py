"""An embryo's blastocyst area over time, drawn for a page."""

import math

from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Drawing, String
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib import colors

from blastoseg.report.curves import Curves, Floats
from blastoseg.report.timeline_sheet import LINE_COLOUR, MARK_COLOUR, MARK_HEIGHTS

LEFT, BELOW, RIGHT, ABOVE = 34.0, 22.0, 4.0, 8.0
"""Points around the plot, for its axes' words."""
LABEL_SIZE = 5.5
TICKS = 4


def draw_curve(curves: Curves, size: tuple[float, float], font: str) -> Drawing:
    """The course as a line, frames as points, hollow where doubtful, events as upright lines with names."""
    width, height = size
    drawing, plot = Drawing(width, height), LinePlot()
    plot.x, plot.y, plot.width, plot.height = LEFT, BELOW, width - LEFT - RIGHT, height - BELOW - ABOVE
    line, mark = colors.Color(*(part / 255 for part in LINE_COLOUR)), colors.HexColor(f"#{MARK_COLOUR}")
    curve, (low, high) = curves.area, curves.x_range
    marks = [
        [(x, 0.0), (x, curve.top * MARK_HEIGHTS[number % len(MARK_HEIGHTS)])]
        for number, (_, x) in enumerate(curves.marks)
    ]
    kinds = [_points(curves.x, values) for values in (curve.course, curve.sure, curve.doubtful)]
    looks = [("line", line), ("FilledCircle", line), ("Circle", line)]
    drawn = [(points, *look) for points, look in zip(kinds, looks, strict=True) if points]
    plot.data = [*marks, *(points for points, *_ in drawn)]
    for number in range(len(marks)):
        plot.lines[number].strokeColor, plot.lines[number].strokeWidth = mark, 0.5
        plot.lines[number].strokeDashArray = (2, 1.5)
    for number, (_, kind, colour) in enumerate(drawn, len(marks)):
        if kind == "line":
            plot.lines[number].strokeColor, plot.lines[number].strokeWidth = colour, 0.8
            continue
        plot.lines[number].strokeColor = colors.transparent
        symbol = makeMarker(kind, size=2.6, strokeColor=colour, strokeWidth=0.5)
        symbol.fillColor = colour if kind == "FilledCircle" else colors.white
        plot.lines[number].symbol = symbol
    for axis, least, most in ((plot.xValueAxis, low, high), (plot.yValueAxis, 0.0, curve.top)):
        axis.valueMin, axis.valueMax, axis.valueStep = least, most, _step(most - least)
        axis.labels.fontName, axis.labels.fontSize = font, LABEL_SIZE
        axis.strokeWidth, axis.strokeColor = 0.4, colors.grey
    plot.xValueAxis.labelTextFormat, plot.yValueAxis.labelTextFormat = "%g", lambda value: f"{value:,.0f}"
    drawing.add(plot)
    words = {"fontName": font, "fontSize": LABEL_SIZE}
    drawing.add(String(LEFT, height - LABEL_SIZE, curve.title, **words))
    drawing.add(String(LEFT + plot.width, 2, curves.x_title, textAnchor="end", **words))
    for number, (name, x) in enumerate(curves.marks):
        at = LEFT + plot.width * (x - low) / (high - low) + 1.5
        level = BELOW + plot.height * MARK_HEIGHTS[number % len(MARK_HEIGHTS)] - LABEL_SIZE
        drawing.add(String(at, level, name, fillColor=mark, **words))
    return drawing


def _points(x: Floats, values: Floats) -> list[tuple[float, float]]:
    pairs = zip(x.tolist(), values.tolist(), strict=True)
    return [(at, value) for at, value in pairs if math.isfinite(at) and math.isfinite(value)]


def _step(span: float) -> float:
    """A round step that cuts an axis of this length into about ``TICKS`` parts."""
    rough = span / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    return float(next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough))
