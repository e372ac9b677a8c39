"""What Excel does not hold: links and rows beyond its limits are told of."""

from blastoseg.report.sheet import HEADER_ROW

from .test_workbook import cells_below_header, column_of, row, written


def test_a_sheet_has_no_more_links_than_excel_takes_and_says_so(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("blastoseg.report.sheet.MOST_LINKS", 4)
    monkeypatch.setattr("blastoseg.report.workbook.MOST_LINKS", 4)
    rows = [row("WELL1", index, mask=f"m/{index}.png", overlay=f"o/{index}.jpg") for index in range(3)]
    frames = written(rows, manifest(), tmp_path / "r.xlsx")["Frames"]
    assert sum(cell.hyperlink is not None for cells in frames for cell in cells) == 4
    assert "first 2 rows" in frames["A1"].value
    assert column_of(frames, "Overlay")[2] == "o/2.jpg"


def test_a_table_too_long_for_a_sheet_shows_its_first_rows_and_where_all_are(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("blastoseg.report.workbook.MOST_ROWS", 3)
    rows = [row("WELL1", index) for index in range(5)]
    sheet = written(rows, manifest(), tmp_path / "r.xlsx")["Frames"]
    assert sheet["A1"].value.endswith("the first 3 rows, a sheet holds no more: all are in frames.csv")
    assert len(cells_below_header(sheet)) == 3
    assert sheet.auto_filter.ref.endswith(str(HEADER_ROW + 3))
