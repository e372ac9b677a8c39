"""Typed tables and their CSV files."""

import csv
import math
import os

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg import RESEARCH_USE_ONLY, columns
from blastoseg.errors import OutputError
from blastoseg.report.tables import FORMULA_STARTS, frames_table, plain_text, save_csv, write_csv


def written(rows, path):
    write_csv(frames_table(rows), path)
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_no_rows_give_an_empty_typed_table():
    table = frames_table([])
    assert len(table) == 0
    assert list(table.columns) == [column.name for column in columns.FRAME_COLUMNS]
    for column in columns.FRAME_COLUMNS:
        assert table[column.name].dtype == columns.PANDAS_DTYPES[column.dtype]


def test_a_name_that_is_no_utf_8_is_spelled_out():
    # With pyarrow beside it, pandas refuses such a text.
    assert frames_table([{"embryo_id": "E\udcff1 é"}])["embryo_id"].tolist() == ["E\\udcff1 é"]


def test_an_undeclared_value_is_an_error_that_names_it():
    with pytest.raises(KeyError, match="icm_aera_px2"):
        frames_table([{"embryo_id": "e", "icm_aera_px2": 3.0}])


def test_an_undefined_value_is_empty_and_never_zero(tmp_path):
    row = {"embryo_id": "e", "icm_area_px2": math.nan, "zp_gap_count": None, "zp_is_breached": None}
    [cells] = written([row], tmp_path / "frames.csv")
    assert cells.pop("embryo_id") == "e"
    assert cells.pop("notice") == RESEARCH_USE_ONLY
    assert set(cells.values()) == {""}


def test_numbers_have_the_digits_of_their_unit_and_zero_has_no_sign(tmp_path):
    row = {
        "time_h": 101.456,
        "icm_area_um2": 4500.04,
        "icm_length_px": 12.3456,
        "icm_area_frac": -0.00001,
        "um_per_px": 0.4,
        "zp_gap_count": 2,
        "zp_is_breached": False,
    }
    [cells] = written([row], tmp_path / "frames.csv")
    assert {name: cells[name] for name in row} == {
        "time_h": "101.46",
        "icm_area_um2": "4500.0",
        "icm_length_px": "12.35",
        "icm_area_frac": "0.0000",
        "um_per_px": "0.400000",
        "zp_gap_count": "2",
        "zp_is_breached": "False",
    }


def test_equal_tables_give_equal_bytes_without_carriage_returns(tmp_path):
    rows = [{"embryo_id": "Zoë 胚胎", "frame_index": 0, "icm_area_frac": 1 / 3}]
    write_csv(frames_table(rows), tmp_path / "a.csv")
    write_csv(frames_table(rows), tmp_path / "b.csv")
    content = (tmp_path / "a.csv").read_bytes()
    assert content == (tmp_path / "b.csv").read_bytes()
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")


@given(st.text())
def test_no_text_starts_a_formula_or_holds_a_control_character(text):
    plain = plain_text(text)
    assert not plain.startswith(FORMULA_STARTS)
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in plain)
    plain.encode("utf-8")


def test_names_that_would_run_stay_readable_in_one_row(tmp_path):
    names = ['=HYPERLINK("x")', "-1+1", "@SUM(A1)", "\t=1", "line\nbreak", "\uff1d1", 'quote",comma']
    cells = written([{"embryo_id": name} for name in names], tmp_path / "frames.csv")
    assert [row["embryo_id"] for row in cells] == [
        '\'=HYPERLINK("x")',
        "'-1+1",
        "'@SUM(A1)",
        "'\\x09=1",
        "line\\x0abreak",
        "'\uff1d1",
        'quote",comma',
    ]


def test_a_table_of_other_columns_has_six_digits_and_no_formula(tmp_path):
    table = pd.DataFrame({"score": [1 / 3, math.nan], "case": ["=1", None]})
    save_csv(table, tmp_path / "new" / "scores.csv")
    with (tmp_path / "new" / "scores.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["score"], row["case"]) for row in rows] == [("0.333333", "'=1"), ("", "")]
    assert {row["notice"] for row in rows} == {RESEARCH_USE_ONLY}


def test_a_table_is_on_the_disk_before_it_takes_the_place_of_the_one_before(tmp_path, monkeypatch):
    path, flushed = tmp_path / "frames.csv", []
    path.write_text("before")
    flush = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (flushed.append(path.read_text()), flush(file)))
    save_csv(frames_table([]), path)
    assert flushed[0] == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["frames.csv"]


def test_a_table_that_cannot_be_written_is_an_output_error_that_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        save_csv(frames_table([]), tmp_path / "file" / "frames.csv")


def test_missing_text_stays_missing():
    assert pd.isna(frames_table([{"embryo_id": "e"}])["reason"][0])
