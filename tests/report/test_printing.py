"""What a printer is told about the sheets."""

import zipfile

import pytest
from openpyxl import load_workbook

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.sheet import FIRST_ROW, HEADER_ROW
from blastoseg.report.tables import frames_table
from blastoseg.report.timeline_sheet import CHARTS_PER_PAGE, ROWS_PER_CHART
from blastoseg.report.workbook import write_workbook

POINTS_PER_CM = 72 / 2.54
A4_CM = (29.7, 21.0)
CHARACTER_PX, PADDING_PX, PIXELS_PER_CM = 7, 5, 96 / 2.54
"""Excel's Calibri of 11 points, in which the width of a column is counted."""
EMBRYOS = 7


@pytest.fixture
def path(manifest, tmp_path):
    frames = frames_table(
        {
            "embryo_id": f"WELL{well}",
            "frame_index": index,
            "time_h": 100.0 + index,
            "status": "ok",
            "blastocyst_area_px2": 1000.0,
        }
        for well in range(EMBRYOS)
        for index in range(2)
    )
    write_workbook(tmp_path / "report.xlsx", GatheredTables([frames]), manifest(), {})
    return tmp_path / "report.xlsx"


def test_every_sheet_is_printed_on_a4_across_with_the_notice_on_every_page(path):
    for sheet in load_workbook(path):
        assert (sheet.page_setup.orientation, str(sheet.page_setup.paperSize)) == ("landscape", "9")
        assert sheet.oddFooter.left.text == RESEARCH_USE_ONLY
        assert sheet.print_title_rows == ("$1:$3" if sheet.title == "Timeline" else "$4:$4")
    assert HEADER_ROW == 4


def test_sheets_too_wide_to_be_read_on_one_page_keep_a_scale_and_the_others_fit(path):
    is_fitted = {sheet.title: sheet.sheet_properties.pageSetUpPr.fitToPage for sheet in load_workbook(path)}
    at_a_scale = {title for title, fitted in is_fitted.items() if not fitted}
    assert at_a_scale == {"Embryos", "Frames", "Timeline", "Charts"}


def test_the_summary_is_one_page_wide_and_large_enough_to_be_read(path):
    sheet = load_workbook(path)["Summary"]
    inches = sum(one.width for one in sheet.column_dimensions.values()) * 7 / 96
    margins = sheet.page_margins.left + sheet.page_margins.right
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    assert (11.69 - margins) / inches >= 0.65


def test_the_scale_reaches_the_file_before_the_first_row(path):
    with zipfile.ZipFile(path) as parts:
        titles = load_workbook(path).sheetnames
        places = [titles.index(title) + 1 for title in ("Summary", "Frames")]
        texts = [parts.read(f"xl/worksheets/sheet{place}.xml").decode() for place in places]
    assert 'fitToPage="1"' in texts[0]
    assert 'fitToPage="1"' not in texts[1]


def test_no_chart_is_cut_by_a_page(path):
    sheet = load_workbook(path)["Timeline"]
    breaks = [one.id for one in sheet.row_breaks.brk]
    assert breaks == [
        FIRST_ROW - 1 + row * ROWS_PER_CHART for row in range(CHARTS_PER_PAGE, EMBRYOS, CHARTS_PER_PAGE)
    ]
    assert len(sheet._charts) == 2 * EMBRYOS
    for chart in sheet._charts:
        first = chart.anchor._from.row + 1
        last = first + chart.height * POINTS_PER_CM / 15
        assert not [row for row in breaks if first <= row < last]


def test_a_page_of_charts_fits_the_paper_at_its_scale(path):
    sheet = load_workbook(path)["Timeline"]
    scale, margins = sheet.page_setup.scale / 100, sheet.page_margins
    rows = HEADER_ROW + 1 + CHARTS_PER_PAGE * ROWS_PER_CHART
    height = rows * 15 / POINTS_PER_CM * scale
    assert height <= A4_CM[1] - 2.54 * (margins.top + margins.bottom)
    left = sheet._charts[1].anchor._from.col
    column_px = sheet.column_dimensions["A"].width * CHARACTER_PX + PADDING_PX
    width = (left * column_px / PIXELS_PER_CM + sheet._charts[1].width) * scale
    assert width <= A4_CM[0] - 2.54 * (margins.left + margins.right)


def test_text_that_is_wrapped_gets_a_row_that_is_high_enough(path):
    sheet = load_workbook(path)["Columns"]
    long = [cell.row for cell in sheet["E"] if cell.row > HEADER_ROW and len(str(cell.value or "")) > 100]
    assert long
    assert all(sheet.row_dimensions[row].height >= 30 for row in long)
