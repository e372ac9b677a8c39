"""The lab's table of embryos: what it tells, and what becomes of one that is wrong, hostile or no table."""

import hashlib
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from blastoseg.errors import UsageError
from blastoseg.records import AboutEmbryo, TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, discover_frames
from blastoseg.sources.embryo_table import DAY_ZERO, EmbryoTable, read_embryo_table
from blastoseg.sources.shown import AS_THEY_ARE
from tests.sources.test_slide import DAY, Slide

HEADINGS = ["Embryo", "patient", "dish", "Insemination time", "fate", "ICM", "TE", "expansion"]
ROW = ["WELL1", "4711", "D 3", "2026-03-01 14:30", "frozen", "a", "B", "4"]
ABOUT = AboutEmbryo("4711", "D 3", "2026-03-01 14:30", "frozen", 4, "A", "B")


def table(path: Path, *rows: list[str], headings: list[str] | None = None, delimiter: str = ",") -> Path:
    lines = [delimiter.join(cells) for cells in (headings or HEADINGS, *rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8-sig")
    return path


def read(path: Path) -> EmbryoTable:
    return read_embryo_table(path, AS_THEY_ARE)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_any_spreadsheet_is_read(tmp_path: Path, delimiter: str) -> None:
    found = read(table(tmp_path / "t.csv", ROW, ["WELL2"], [], delimiter=delimiter))
    assert found.about == {"WELL1": ABOUT, "WELL2": AboutEmbryo()}
    assert found.remarks == ()


def test_a_workbook_tells_the_same_with_dates_and_numbers_as_cells(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([*HEADINGS, None])
    book.active.append(["WELL1", 4711, "D 3", datetime(2026, 3, 1, 14, 30), "frozen", "A", "B", 4.0])
    book.save(tmp_path / "t.xlsx")
    found = read(tmp_path / "t.xlsx")
    assert found.about == {"WELL1": ABOUT}
    assert found.insemination_day["WELL1"] == pytest.approx(46082 + 14.5 / 24)


@pytest.mark.parametrize(
    ("place", "cell"),
    [
        *((3, cell) for cell in ("01/03/2026 14:30", "2026-03-01", "2026-03-01 00:00", "2026-13-01 10:00")),
        *((5, cell) for cell in ("AA", "E", "0", "=1+1")),
        *((7, cell) for cell in ("7", "4AA", "4.5")),
        (4, "x" * 201),
    ],
)
def test_a_cell_that_makes_no_sense_is_left_empty_and_said(tmp_path: Path, place: int, cell: str) -> None:
    found = read(table(tmp_path / "t.csv", [*ROW[:place], cell, *ROW[place + 1 :]]))
    field = ("patient", "dish", "insemination_time", "fate", "lab_icm", "lab_te", "lab_expansion")[place - 1]
    assert not getattr(found.about["WELL1"], field)
    assert sum(bool(value) for value in found.about["WELL1"].told()) == 6
    [remark] = found.remarks
    assert "1 cell" in remark
    assert "line 2 " in remark


def test_an_embryo_in_two_rows_is_named_and_neither_row_is_taken(tmp_path: Path) -> None:
    found = read(table(tmp_path / "t.csv", ROW, ["WELL2", "1"], ["WELL2", "2"]))
    assert list(found.about) == ["WELL1"]
    [remark] = found.remarks
    assert "WELL2" in remark


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (["embryo", "pateint"], "pateint"),
        (["patient", "dish"], "no column embryo"),
        (["embryo", "dish", "dish"], "two columns dish"),
    ],
)
def test_other_headings_are_refused_and_the_right_ones_named(
    tmp_path: Path, headings: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=f"{said}.*insemination_time"):
        read(table(tmp_path / "t.csv", ["WELL1"], headings=headings))


@pytest.mark.parametrize(
    "name", ["missing.csv", "empty.csv", "zeros.csv", "latin.csv", "picture.xlsx", "bomb.xlsx", "folder.csv"]
)
def test_what_is_no_table_is_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder.csv":
        path.mkdir()
    elif name == "bomb.xlsx":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("xl/worksheets/sheet1.xml", bytes(210_000_000))
    elif name != "missing.csv":
        contents = {"zeros.csv": b"embryo\n\0", "latin.csv": b"embryo\nZo\xeb\n", "picture.xlsx": b"\xff\xd8"}
        path.write_bytes(contents.get(name, b""))
    with pytest.raises(UsageError, match=name):
        read(path)


def found_with(path: Path, embryos: Path | None, **naming: str) -> Discovery:
    return discover_frames([path], SourceOptions(Naming(**naming), embryos=embryos))


def test_insemination_gives_hours_where_the_pictures_tell_when_they_were_taken(
    tmp_path: Path, jpeg: bytes
) -> None:
    slide = Slide(tmp_path / "s.pdb", jpeg).write()
    at = (DAY_ZERO.fromordinal(DAY_ZERO.toordinal() + int(DAY) - 1)).strftime("%Y-%m-%d 12:00")
    told = table(tmp_path / "t.csv", ["Well 2", "", "", at], ["Well 10", "", "", "2020-01-01 12:00"])
    refs = {(ref.embryo_id, ref.frame_index): ref for ref in found_with(slide, told).refs}
    without = {(ref.embryo_id, ref.frame_index): ref for ref in found_with(slide, None).refs}
    # The table's insemination is eighteen hours before the slide file's.
    assert refs["Well 2", 0].time_h == pytest.approx(without["Well 2", 0].time_h + 18, abs=1e-6)
    assert refs["Well 2", 0].time_reference is TimeReference.INSEMINATION
    # One that lies years away cannot be theirs: the slide file's stands, and it is said.
    assert refs["Well 10", 0].time_h == without["Well 10", 0].time_h
    assert any("Well 10" in remark for remark in found_with(slide, told).remarks)


def test_insemination_gives_no_hours_to_pictures_without_a_time_of_day(
    tmp_path: Path, lay: Callable[..., Path]
) -> None:
    frames = lay(tmp_path / "day5", "WELL1/WELL1_RUN1.jpg")
    told = table(tmp_path / "t.csv", ROW, ["WELL9"])
    found = found_with(frames, told)
    assert found.table_sha256 == hashlib.sha256(told.read_bytes()).hexdigest()
    assert found.refs[0].time_h != found.refs[0].time_h
    assert found.refs[0].about == ABOUT
    assert [remark for remark in found.remarks if "gives no hours" in remark]
    assert [remark for remark in found.remarks if "not in the input: WELL9" in remark]


def test_names_tell_patient_and_dish_and_the_table_comes_first(
    tmp_path: Path, lay: Callable[..., Path]
) -> None:
    frames = lay(
        tmp_path / "P77_day5",
        "dish A/WELL1/WELL1_RUN1.jpg",
        "dish A/WELL1/WELL1_RUN2.jpg",
        "dish B/WELL2/WELL2_RUN1.jpg",
    )
    naming = {"patient": r"P(?P<patient>\d+)", "dish": r"dish (?P<dish>\w)/"}
    told = table(tmp_path / "t.csv", ["dish B/WELL2", "78"], headings=["embryo", "patient"])
    about = {ref.embryo_id: ref.about for ref in found_with(frames, told, **naming).refs}
    assert about["dish A/WELL1"] == AboutEmbryo("77", "A")
    assert about["dish B/WELL2"] == AboutEmbryo("78", "B")


def test_files_of_one_embryo_that_name_two_patients_tell_none(
    tmp_path: Path, lay: Callable[..., Path]
) -> None:
    frames = lay(tmp_path / "day5", "WELL1/P1_RUN1.jpg", "WELL1/P2_RUN2.jpg")
    found = found_with(frames, None, patient=r"(?P<patient>P\d)")
    assert {ref.about for ref in found.refs} == {AboutEmbryo()}
    assert [remark for remark in found.remarks if "several patients" in remark]
