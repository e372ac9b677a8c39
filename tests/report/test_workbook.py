"""The workbook, read back."""

import math
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from openpyxl import load_workbook

from blastoseg import RESEARCH_USE_ONLY, columns
from blastoseg.records import AboutEmbryo, Flag, Status
from blastoseg.report.embryo_pictures import EmbryoPictures, Pictures
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.overlay import draw_overlay
from blastoseg.report.sheet import FIRST_ROW, HEADER_ROW, TITLE_ROWS
from blastoseg.report.summary_sheet import STRIP_SIDE, THUMBNAIL_SIDE
from blastoseg.report.tables import frames_table
from blastoseg.report.timeline_sheet import MOST_CHARTED
from blastoseg.report.workbook import write_workbook

SHEETS = ["Summary", "Embryos", "Frames", "Timeline", "Events", "Quality", "Run", "Columns", "Charts"]
FORMULA = '=HYPERLINK("http://x.example","x")'


def row(embryo, index, status="ok", **others):
    is_measured = status in ("ok", "review")
    return {
        "embryo_id": embryo,
        "source": f"{embryo}/{index}.jpg",
        "frame_index": index,
        "time_h": 100.0 + index,
        "status": status,
        "flags": "" if status == "ok" else "no_embryo",
        "reason": "" if status == "ok" else "no embryo was found",
        "um_per_px": 0.5 if is_measured else math.nan,
        "blastocyst_area_px2": 1000.0 + index if is_measured else math.nan,
        "blastocyst_area_um2": (1000.0 + index) / 4 if is_measured else math.nan,
        "blastocyst_diameter_px": 36.0 if is_measured else math.nan,
        "blastocyst_diameter_um": 18.0 if is_measured else math.nan,
        "blastocoel_area_frac": 0.5 if is_measured else math.nan,
        **others,
    }


def written(rows, manifest, path, pictures=None, about=None, **options):
    tables = GatheredTables([frames_table(rows)], about=about or {})
    write_workbook(path, tables, manifest, pictures or {}, **options)
    return load_workbook(path)


def cells_below_header(sheet):
    return [list(cells) for cells in sheet.iter_rows(min_row=FIRST_ROW, values_only=True)]


def column_of(sheet, heading):
    place = [cell.value for cell in sheet[HEADER_ROW]].index(heading)
    return [cells[place] for cells in cells_below_header(sheet)]


def test_every_sheet_says_research_use_only_and_keeps_its_header_in_sight(manifest, tmp_path):
    book = written([row("WELL1", 0), row("WELL1", 1, "failed")], manifest(), tmp_path / "r.xlsx")
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert sheet["A2"].value == RESEARCH_USE_ONLY
        assert sheet.freeze_panes.endswith(str(TITLE_ROWS + 1 if sheet.title == "Timeline" else FIRST_ROW))
        assert sheet.auto_filter.ref or sheet.title == "Timeline"


def test_text_from_files_is_never_a_formula_and_control_characters_are_shown(manifest, tmp_path):
    names = [FORMULA, "+1", "#N/A", "a\x07b\nc", "🧬", "\ud800"]
    rows = [row(name, index, reason=name) for name in names for index in range(2)]
    book = written(rows, manifest(inputs=["=day5"]), tmp_path / "r.xlsx")
    for sheet in book:
        assert all(cell.data_type in ("s", "n") for cells in sheet.iter_rows() for cell in cells)
    shown = column_of(book["Summary"], "Embryo")
    assert shown == [f"'{FORMULA}", "'+1", "'#N/A", "a\\x07b\\x0ac", "🧬", "\\ud800"]
    with zipfile.ZipFile(tmp_path / "r.xlsx") as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in parts.read(name) for name in sheets)


def test_summary_has_a_row_an_embryo_and_frames_a_row_a_frame(manifest, tmp_path):
    rows = [row("WELL1", 0), row("WELL1", 1), row("WELL2", 0, "excluded")]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    assert column_of(book["Summary"], "Embryo") == ["WELL1", "WELL2"]
    assert column_of(book["Summary"], "Blastocyst diameter, µm") == [18, None]
    assert column_of(book["Embryos"], "Blastocyst area, µm²") == [pytest.approx(1001 / 4, abs=0.06), None]
    assert column_of(book["Frames"], "Blastocyst area, px²") == [1000, 1001, None]
    assert column_of(book["Quality"], "What to look at") == ["no embryo was found"]


def test_every_declared_column_is_in_the_workbook_under_the_heading_that_the_columns_sheet_gives(
    manifest, tmp_path
):
    book = written([row("WELL1", 0)], manifest(), tmp_path / "r.xlsx")
    headings = {cells[1]: cells[0] for cells in cells_below_header(book["Columns"])}
    for title, declared in (("Embryos", columns.EMBRYO_COLUMNS), ("Frames", columns.REPORTED_FRAME_COLUMNS)):
        shown = [cell.value for cell in book[title][HEADER_ROW]]
        assert shown == [headings[column.name] for column in declared]
        assert len(shown) == len(set(shown))
    assert column_of(book["Embryos"], headings["first_measured_h"]) == [100]


def test_every_heading_is_in_words_with_its_unit(manifest, tmp_path):
    book = written([row("WELL1", 0)], manifest(), tmp_path / "r.xlsx")
    for title in ("Summary", "Embryos", "Frames", "Events", "Quality"):
        shown = [cell.value for cell in book[title][HEADER_ROW]]
        assert not [heading for heading in shown if "_" in heading or not heading[0].isupper()]
    assert "ICM area, µm²" in [cell.value for cell in book["Summary"][HEADER_ROW]]


@pytest.mark.parametrize("title", ["Summary", "Embryos", "Frames", "Events", "Quality"])
def test_no_word_of_a_heading_is_longer_than_its_column_is_wide(title, manifest, tmp_path):
    sheet = written([row("WELL1", 0)], manifest(), tmp_path / "r.xlsx")[title]
    for cell in sheet[HEADER_ROW]:
        assert max(map(len, cell.value.split())) <= sheet.column_dimensions[cell.column_letter].width


def test_every_status_and_flag_is_explained(manifest, tmp_path):
    cells = cells_below_header(written([], manifest(), tmp_path / "r.xlsx")["Columns"])
    explained = {one[0]: one[4] for one in cells if one[0] and one[4]} | {one[1]: one[4] for one in cells}
    assert all(explained[str(code)] for code in (*Status, *Flag))


def test_rows_open_their_pictures_by_links_that_hold_in_a_copy_of_the_folder(manifest, tmp_path):
    pictured = {"mask": "masks/WELL 1/0.png", "overlay": "overlays/WELL 1/0.jpg"}
    rows = [row("WELL 1", 0, "review", **pictured), row("WELL2", 0, "failed", mask="", overlay="")]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    for title in ("Summary", "Embryos", "Frames"):
        links = [cell.hyperlink.target for cells in book[title] for cell in cells if cell.hyperlink]
        assert links[-1] == "overlays/WELL%201/0.jpg"
        assert title == "Summary" or sorted(links)[0] == "masks/WELL%201/0.png"
    assert column_of(book["Frames"], "Mask") == ["masks/WELL 1/0.png", None]
    assert column_of(book["Quality"], "Overlay") == [None, "open"]


@pytest.mark.parametrize("missing", ["some", "all"])
def test_pixels_are_shown_where_a_pixel_size_is_missing_and_units_are_never_mixed(
    manifest, tmp_path, missing
):
    bare = {"um_per_px": math.nan, "blastocyst_area_um2": math.nan}
    rows = [row("WELL1", 0, **(bare if missing == "all" else {})), row("WELL2", 0, **bare)]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    assert column_of(book["Summary"], "Blastocyst diameter, px") == [36, 36]
    assert not any("µm" in str(cell.value) for cell in book["Summary"][HEADER_ROW])


def test_the_embryo_is_pictured_as_a_small_jpeg(manifest, tmp_path):
    labels = np.zeros((300, 300), np.uint8)
    cv2.circle(labels, (150, 150), 90, 3, -1)
    overlay = draw_overlay(np.full((300, 300), 90, np.uint8), labels)
    pictures = Pictures(tmp_path / "m.png", tmp_path / "o.jpg")
    cv2.imwrite(str(pictures.mask), labels)
    cv2.imwrite(str(pictures.overlay), overlay)
    rows = [row("WELL1", 0), row("WELL2", 0)]
    lost = Pictures(tmp_path / "lost.png", tmp_path / "lost.jpg")
    strip = tuple(replace(pictures, label=name) for name in ("tSB 98.0 h", "tB 104.0 h", "last 120.0 h"))
    known = {"WELL1": EmbryoPictures(pictures, (*strip, lost)), "WELL2": EmbryoPictures(lost, (lost,))}
    book = written(rows, manifest(), tmp_path / "r.xlsx", known)
    sheet = book["Summary"]
    standing, course = sheet._images
    assert [one.anchor._from.row for one in sheet._images] == [FIRST_ROW - 1] * 2
    headings = [cell.value for cell in sheet[HEADER_ROW]]
    assert [headings[one.anchor._from.col] for one in sheet._images] == ["Picture", "Course"]
    assert course.width / standing.width == pytest.approx(3 * STRIP_SIDE / THUMBNAIL_SIDE, rel=0.05)
    with zipfile.ZipFile(tmp_path / "r.xlsx") as parts:
        media = [entry for entry in parts.infolist() if entry.filename.startswith("xl/media/")]
        assert all(parts.read(one).startswith(b"\xff\xd8") for one in media)
        assert sum(one.file_size for one in media) < 30_000


def test_numbers_of_a_doubtful_tissue_are_gray(manifest, tmp_path):
    doubtful = {
        "flags": "low_confidence",
        "reason": "the network is unsure of inner cell mass, trophectoderm",
    }
    measured = {"icm_area_um2": 60.0, "te_thickness_mean_um": 9.0, "zp_thickness_mean_um": 8.0}
    rows = [row("WELL1", 0, "review", **measured | doubtful), row("WELL2", 0, **measured)]
    sheet = written(rows, manifest(), tmp_path / "r.xlsx")["Summary"]
    headings = [cell.value for cell in sheet[HEADER_ROW]]
    grays = [
        {heading for heading, cell in zip(headings, cells, strict=True) if cell.font.i}
        for cells in sheet.iter_rows(min_row=FIRST_ROW)
    ]
    assert grays == [{"ICM area, µm²", "TE thickness, mean, µm"}, set()]


def cells_read(book, reference):
    """The values that a chart's series reads."""
    sheet, _, area = reference.f.partition("!")
    return [cell.value for [cell] in book[sheet.strip("'")][area.replace("$", "")]]


def test_each_series_has_two_charts_whose_points_are_sure_or_hollow(manifest, tmp_path):
    rows = [row("WELL1", 0), row("WELL1", 1, "review"), row("WELL2", 0), row("WELL3", 0), row("WELL3", 1)]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    charts = book["Timeline"]._charts
    assert len(charts) == 4
    points = {one.tx.v or one.tx.strRef.f: cells_read(book, one.yVal.numRef) for one in charts[0].series}
    assert points["sure"] == [250, None]
    assert points["doubtful"] == points["doubtful, hollow"] == [None, 250.25]
    assert cells_read(book, charts[0].series[0].xVal.numRef) == [100, 101]
    assert cells_read(book, charts[2].series[0].xVal.numRef) == [100, 101]
    # A hollow point is a white one before and after the coloured one: programs differ in which is on top.
    fills = [one.marker.spPr.solidFill.srgbClr for one in charts[0].series if one.marker.size]
    assert fills[0] == fills[-1] == "FFFFFF"


def test_events_are_upright_lines_with_names_on_both_charts(manifest, tmp_path):
    cavity = [0.05, 0.1, 0.1, 0.1, *[0.6] * 8]
    rows = [
        row("WELL1", index, blastocoel_area_frac=share, blastocoel_volume_frac_est=share**1.5)
        for index, share in enumerate(cavity)
    ]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    assert "tB" in column_of(book["Events"], "Event")
    for chart in book["Timeline"]._charts:
        [mark] = [one for one in chart.series if one.tx.v == "tB"]
        assert cells_read(book, mark.xVal.numRef) == [104, 104]
        low, high = cells_read(book, mark.yVal.numRef)
        assert 0 == low < high <= chart.y_axis.scaling.max
        assert mark.dLbls.dLbl[0].showSerName


ABOUT = {
    "A": AboutEmbryo("P10", "D1"),
    "B": AboutEmbryo("P9", "D2", lab_expansion=4, lab_icm="A", lab_te="B"),
    "C": AboutEmbryo("P10", "D3"),
    "=D": AboutEmbryo("=P"),
}


def sized(embryo, diameter):
    return row(embryo, 0, blastocyst_diameter_px=diameter, blastocyst_diameter_um=diameter / 2)


def test_embryos_stand_by_patient_in_the_order_of_the_settings(manifest, tmp_path):
    rows = [sized("A", 30.0), sized("B", 40.0), sized("C", 50.0), sized("=D", 60.0), sized("E", 1.0)]
    order = ("blastocyst_diameter_px",)
    sheet = written(rows, manifest(), tmp_path / "r.xlsx", about=ABOUT, order=order)["Summary"]
    assert "blastocyst diameter" in sheet["A1"].value
    assert "does not choose" in sheet["A1"].value
    shown = [embryo or first for first, embryo, *_ in cells_below_header(sheet)]
    patients = ["Patient =P", "Patient P9", "Patient P10", "Patient not given"]
    assert [name for name in shown if name.startswith("Patient")] == patients
    assert shown == [patients[0], "'=D", patients[1], "B", patients[2], "C", "A", patients[3], "E"]
    assert "2 embryos; dish D1, D3" in [cell.value for cell in sheet[FIRST_ROW + 4]]
    assert "(lab: 4AB)" in column_of(sheet, "Grade, suggested")
    turned = written(rows, manifest(), tmp_path / "r.xlsx", about=ABOUT, order=("-blastocyst_diameter_px",))
    assert column_of(turned["Summary"], "Embryo")[5:7] == ["A", "C"]


def test_the_links_of_summary_lead_to_the_chart_of_the_embryo(manifest, tmp_path):
    rows = [
        row(embryo, index, blastocyst_diameter_px=size, blastocyst_diameter_um=size)
        for embryo, size in (("A", 1.0), ("B", 2.0))
        for index in range(2)
    ]
    book = written([*rows, row("C", 0)], manifest(), tmp_path / "r.xlsx")
    sheet, timeline = book["Summary"], book["Timeline"]
    place = [cell.value for cell in sheet[HEADER_ROW]].index("Chart")
    links = {cells[1].value: cells[place].hyperlink for cells in sheet.iter_rows(min_row=FIRST_ROW)}
    assert links["C"] is None
    for embryo in ("A", "B"):
        name, _, cell = links[embryo].location.partition("!")
        [chart, _] = [one for one in timeline._charts if one.anchor._from.row == timeline[cell].row - 1]
        assert name == timeline.title
        assert chart.title.tx.rich.p[0].r[0].t == embryo


def test_many_embryos_are_charted_up_to_a_number_that_is_said(manifest, tmp_path):
    rows = [row(f"WELL{well}", index) for well in range(MOST_CHARTED + 1) for index in range(2)]
    book = written(rows, manifest(), tmp_path / "r.xlsx")
    assert len(book["Timeline"]._charts) == 2 * MOST_CHARTED
    assert str(MOST_CHARTED) in book["Timeline"]["A1"].value


def test_no_frames_give_a_whole_workbook(manifest, tmp_path):
    book = written([], manifest(), tmp_path / "r.xlsx")
    assert book.sheetnames == SHEETS


def test_the_run_sheet_tells_where_the_numbers_come_from(manifest, tmp_path):
    entries = dict(
        cells[:2] for cells in cells_below_header(written([], manifest(), tmp_path / "r.xlsx")["Run"])
    )
    assert entries["weights_sha256"] == "ab" * 32
    assert entries["started_utc"] == "2026-03-01T22:00:00Z"
    assert entries["inputs.1"] == "'=day5"
    assert entries["counts.failed"] == 1
