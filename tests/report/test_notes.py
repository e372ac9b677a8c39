"""Notes that a lab writes into the workbook, from one night to the next."""

import os

import pytest
from openpyxl import load_workbook

from blastoseg.records import AboutEmbryo
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.notes import MOST_KEPT, read_notes, take_over
from blastoseg.report.sheet import FIRST_ROW, HEADER_ROW
from blastoseg.report.tables import frames_table
from blastoseg.report.workbook import write_workbook


@pytest.fixture
def night(manifest, tmp_path):
    """Writes the workbook of a night; returns its path and what was said."""

    def write(*embryos):
        path = tmp_path / "report.xlsx"
        earlier = take_over(path)
        rows = [{"embryo_id": name, "frame_index": 0, "status": "excluded"} for name in embryos]
        write_workbook(path, GatheredTables([frames_table(rows)]), manifest(), {}, notes=earlier.notes)
        return path, earlier.said

    return write


def write_note(path, row, value):
    book = load_workbook(path)
    sheet = book["Summary"]
    place = [cell.value for cell in sheet[HEADER_ROW]].index("Notes") + 1
    sheet.cell(FIRST_ROW + row, place).value = value
    book.save(path)


@pytest.mark.parametrize(
    "note", ["transferred", "two\nlines", "50", "'=1+1", "'quoted'", "a\\x0ab", "- maybe"]
)
def test_a_note_survives_the_next_nights(night, note):
    path, _ = night("=A", "B")
    write_note(path, 0, note)
    once = read_notes(path)
    assert list(once) == ["'=A"]
    for _ in range(2):
        path, said = night("B", "=A", "C")
        assert read_notes(path) == once
        assert said == ()


def test_a_formula_is_no_note(night):
    path, _ = night("A")
    write_note(path, 0, "=1+1")
    assert read_notes(path) == {}


def test_a_note_on_an_embryo_that_is_not_there_any_more_is_kept(night):
    path, _ = night("A", "B")
    write_note(path, 0, "transferred")
    night("B")
    path, _ = night("B")
    assert read_notes(path) == {"A": "transferred"}


def test_the_last_workbooks_are_kept_and_never_more(night, tmp_path):
    mine = tmp_path / "report-earlier-mine.xlsx"
    mine.write_bytes(b"mine")
    for day in range(6):
        path, _ = night("A")
        os.utime(path, (1_700_000_000 + day * 86_400,) * 2)
    kept = sorted(file.name for file in tmp_path.glob("report-earlier-2*.xlsx"))
    assert len(kept) == MOST_KEPT
    assert kept == [name for name in kept if name >= "report-earlier-20231116"]
    assert mine.exists()


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04 cut off"])
def test_a_workbook_that_cannot_be_read_is_kept_aside_and_said(night, tmp_path, content):
    (tmp_path / "report.xlsx").write_bytes(content)
    path, [said] = night("A")
    [kept] = tmp_path.glob("report-unread-*.xlsx")
    assert kept.read_bytes() == content
    assert kept.name in said
    assert read_notes(path) == {}


def test_a_workbook_without_its_notes_column_is_kept_aside_and_said(night, tmp_path):
    path, _ = night("A")
    book = load_workbook(path)
    book["Summary"].delete_cols(2)
    book.save(path)
    _, [said] = night("A")
    assert "Summary has no columns Embryo and Notes" in said
    assert len(list(tmp_path.glob("report-unread-*.xlsx"))) == 1


def test_a_note_on_a_patient_stays_with_the_patient(manifest, tmp_path):
    path = tmp_path / "report.xlsx"

    def night(*embryos):
        rows = [{"embryo_id": name, "frame_index": 0, "status": "excluded"} for name in embryos]
        about = {name: AboutEmbryo(patient="P1") for name in embryos}
        notes = take_over(path).notes
        write_workbook(path, GatheredTables([frames_table(rows)], about=about), manifest(), {}, notes=notes)

    night("A")
    write_note(path, 0, "call her")
    night("A", "B")
    assert read_notes(path) == {"Patient P1": "call her"}
