"""What Excel does not hold: links and rows beyond its limits are told of."""

from blastoseg.records import AboutEmbryo
from blastoseg.report.sheet import HEADER_ROW

from .test_workbook import column_of, row, written


def test_a_sheet_has_no_more_links_than_excel_takes_and_says_so(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("blastoseg.report.sheet.MOST_LINKS", 4)
    monkeypatch.setattr("blastoseg.report.workbook.MOST_LINKS", 4)
    rows = [row("WELL1", index, mask=f"m/{index}.png", overlay=f"o/{index}.jpg") for index in range(3)]
    frames = written(rows, manifest(), tmp_path / "r.xlsx")["Frames"]
    assert sum(cell.hyperlink is not None for cells in frames for cell in cells) == 4
    assert "first 2 rows" in frames["A1"].value
    assert column_of(frames, "Overlay")[2] == "o/2.jpg"


def test_of_many_frames_the_workbook_holds_the_newest_embryos_and_says_where_all_are(
    manifest, tmp_path, monkeypatch
):
    monkeypatch.setattr("blastoseg.report.workbook.MOST_FRAMES", 7)
    rows = [row(f"WELL{well}", index) for well in range(4) for index in range(3)]
    about = {"WELL1": AboutEmbryo(insemination_time="2026-03-01T09:00")}
    book = written(rows, manifest(), tmp_path / "r.xlsx", about=about)
    sheet = book["Frames"]
    assert "of the newest 2 of 4 embryos" in sheet["A1"].value
    assert sheet["A1"].value.endswith("all are in frames.csv")
    assert column_of(sheet, "Embryo") == ["WELL1"] * 3 + ["WELL3"] * 3
    assert sheet.auto_filter.ref.endswith(str(HEADER_ROW + 6))
    assert book["Events"]["A1"].value.endswith("the first 7 rows, more open slowly: all are in events.csv")
