"""Which columns a person sees first, and with which digits."""

import math
import re
from pathlib import Path

import pytest

from blastoseg.cli.progress import embryo_table
from blastoseg.course.tables import course_tables
from blastoseg.report.headline import COURSE, HOURS, MEASURES, NARROW, Headline, unit_of_length
from blastoseg.report.tables import frames_table

ROOT = Path(__file__).resolve().parents[2]
AGREEMENT = re.compile(r"^\| `(\w+)` \| \d+ \|.* ([01]\.\d+) \|$", re.MULTILINE)


def by_name(name: str) -> Headline:
    return next(one for one in MEASURES + COURSE if one.name == name)


def test_every_headline_is_a_declared_column_in_either_unit():
    for headline in (*MEASURES, *COURSE, HOURS):
        for unit in ("px", "um"):
            assert headline.column(unit).name == headline.name.format(u=unit)
    assert set(NARROW) <= set(MEASURES)


@pytest.mark.parametrize(
    ("name", "value", "text", "number_format"),
    [
        ("blastocyst_diameter_{u}", 168.6, "169", "#,##0"),
        ("blastocyst_area_{u}2", 22_402.3, "22,400", "#,##0"),
        ("icm_area_{u}2", 2149.0, "2,100", "#,##0"),
        ("te_thickness_mean_{u}", 9.52, "9.5", "#,##0.0"),
        ("te_thickness_mean_{u}", 9.97, "10", "#,##0"),
        ("te_thickness_mean_{u}", 12.4, "12", "#,##0"),
        ("zp_thickness_mean_{u}", 0.0, "0", "#,##0"),
        ("blastocoel_area_frac", 0.704, "70", "0%"),
        ("expansion_rate_{u}2_per_h", 412.7, "410", "#,##0"),
        ("collapse_count", 2, "2", "#,##0"),
        ("icm_area_{u}2", math.nan, "-", "#,##0"),
    ],
)
def test_a_number_has_the_digits_that_it_earns(name, value, text, number_format):
    assert by_name(name).text(value) == text
    assert by_name(name).number_format(value) == number_format


def test_three_digits_count_only_where_the_validation_found_an_icc_of_0_99():
    page = (ROOT / "docs" / "validation.md").read_text("utf-8")
    icc = {name: float(value) for name, value in AGREEMENT.findall(page)}
    compared = [one for one in MEASURES if one.name.format(u="px") in icc and not one.is_share]
    assert len(compared) >= 4
    for headline in compared:
        assert headline.digits == (3 if icc[headline.name.format(u="px")] >= 0.99 else 2), headline.name


def test_headings_are_words_with_the_unit_that_is_shown():
    assert by_name("icm_area_{u}2").heading("um") == "ICM area, µm²"
    assert by_name("icm_area_{u}2").heading("px") == "ICM area, px²"
    assert by_name("zp_integrity_frac").heading("um") == "Zona present, %"
    assert by_name("collapse_count").heading("um") == "Collapses"


def test_micrometres_are_shown_only_where_every_measured_row_has_them():
    measured = {"blastocyst_area_px2": 1000.0, "um_per_px": 0.5}
    assert unit_of_length(frames_table([measured, {"status": "failed"}])) == "um"
    assert unit_of_length(frames_table([measured, measured | {"um_per_px": math.nan}])) == "px"
    assert unit_of_length(frames_table([])) == "px"


def test_the_terminal_shows_the_same_digits_as_the_workbook():
    row = {"embryo_id": "E1", "status": "ok", "um_per_px": 0.5, "blastocyst_area_px2": 1000.0}
    frames = frames_table([row | {"frame_index": 0, "blastocyst_diameter_um": 168.6, "icm_area_um2": 2149.0}])
    columns = [list(column.cells) for column in embryo_table(course_tables(frames).embryos).columns]
    assert ["169"] in columns
    assert ["2,100"] in columns


@pytest.mark.parametrize(
    ("name", "tissues", "is_doubtful"),
    [
        ("icm_area_{u}2", {"icm"}, True),
        ("icm_area_{u}2", {"te"}, False),
        ("extruded_area_frac", {"zp"}, True),
        ("blastocyst_area_{u}2", {"icm", "te", "zp"}, False),
        ("blastocyst_area_{u}2", {"icm", "te", "zp", "blastocoel"}, True),
        ("collapse_count", {"icm", "te", "zp", "blastocoel"}, False),
    ],
)
def test_a_measure_is_doubtful_with_its_tissue(name, tissues, is_doubtful):
    assert by_name(name).is_doubtful(tissues) is is_doubtful


def test_a_trace_below_zero_is_shown_as_zero() -> None:
    cavity = next(shown for shown in MEASURES if shown.name == "blastocoel_area_frac")
    assert cavity.text(-0.001) == "0"
