"""The row of an embryo: the frame that stands for it, and its course."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg import columns
from blastoseg.course.tables import course_tables
from blastoseg.report.tables import frames_table
from tests.course.conftest import UNFORMED, row


def described(rows):
    [embryo] = course_tables(frames_table(rows)).embryos.to_dict("records")
    return embryo


def test_an_embryo_has_the_values_of_its_latest_measured_frame():
    frames = frames_table(
        [row(index=0, area=9.0), row(index=1, area=11.0), row(index=2, status="failed", area=math.nan)]
    )
    [embryo] = course_tables(frames).embryos.to_dict("records")
    assert embryo["blastocyst_area_px2"] == 11.0
    assert embryo["frame_index"] == 1
    assert (embryo["frames_total"], embryo["frames_ok"], embryo["frames_failed"]) == (3, 2, 1)


def test_an_embryo_never_measured_says_why_and_has_no_measures():
    frames = frames_table(
        [
            row(status="excluded", area=math.nan),
            row(index=1, status="excluded", area=math.nan, flags="no_embryo"),
        ]
    )
    [embryo] = course_tables(frames).embryos.to_dict("records")
    assert embryo["status"] == "excluded"
    assert embryo["flags"] == "no_embryo"
    assert math.isnan(embryo["blastocyst_area_px2"])
    assert math.isnan(embryo["first_measured_h"])
    assert pd.isna(embryo["collapse_count"])


def test_an_embryo_never_measured_shows_a_frame_that_was_seen_before_one_that_was_not_read():
    frames = frames_table(
        [
            row(status="excluded", area=math.nan, reason="no embryo was found"),
            row(index=1, status="failed", area=math.nan, reason="e1/1.jpg: is cut short"),
            row("e2", status="failed", area=math.nan, reason="e2/0.jpg: is cut short"),
        ]
    )
    seen, unread = course_tables(frames).embryos.to_dict("records")
    assert (seen["status"], seen["reason"], seen["frame_index"]) == ("excluded", "no embryo was found", 0)
    assert (unread["status"], unread["frames_failed"]) == ("failed", 1)


def test_a_frame_without_a_defined_area_is_not_measured_and_shows_no_numbers():
    frames = frames_table(
        [row(index=0, area=9.0), row(index=1, status="review", area=math.nan, icm_area_px2=5.0)]
    )
    [embryo] = course_tables(frames).embryos.to_dict("records")
    assert (embryo["frame_index"], embryo["last_measured_h"]) == (0, 0.0)
    [embryo] = course_tables(frames.iloc[1:]).embryos.to_dict("records")
    assert embryo["status"] == "review"
    assert math.isnan(embryo["icm_area_px2"])


def test_frames_of_an_embryo_may_lie_apart_in_the_table():
    frames = frames_table([row("a", 0), row("b", 0), row("a", 1, area=5.0)])
    first, second = course_tables(frames).embryos.to_dict("records")
    assert (first["embryo_id"], first["frames_total"], first["blastocyst_area_px2"]) == ("a", 2, 5.0)
    assert (second["embryo_id"], second["frames_total"]) == ("b", 1)


def test_no_frames_give_an_empty_typed_table():
    table = course_tables(frames_table([])).embryos
    assert len(table) == 0
    assert list(table.columns) == [column.name for column in columns.EMBRYO_COLUMNS]
    for column in columns.EMBRYO_COLUMNS:
        assert table[column.name].dtype == columns.PANDAS_DTYPES[column.dtype]


def test_embryos_keep_the_order_of_their_frames():
    frames = frames_table([row("WELL2"), row("WELL10"), row("WELL1")])
    assert list(course_tables(frames).embryos["embryo_id"]) == ["WELL2", "WELL10", "WELL1"]


@given(slope=st.floats(-50, 50), outlier=st.integers(0, 19))
def test_the_growth_rate_is_the_slope_and_one_outlier_does_not_move_it_far(slope, outlier):
    areas = [10_000 + slope * index * 0.5 for index in range(20)]
    areas[outlier] *= 1.5
    rows = [row(index=index, time_h=20 + index * 0.5, area=area) for index, area in enumerate(areas)]
    assert described(rows)["blastocyst_area_rate_px2_per_h"] == pytest.approx(slope, abs=1e-6)


def test_hours_and_physical_rates_are_undefined_where_time_or_pixel_size_are():
    series = described([row(index=index, time_h=math.nan) for index in range(3)])
    assert math.isnan(series["blastocyst_area_rate_px2_per_h"])
    series = described([row(index=index, um=0.5) for index in range(3)])
    assert series["blastocyst_area_rate_um2_per_h"] == 0
    series = described([row(index=index) for index in range(3)])
    assert math.isnan(series["blastocyst_area_rate_um2_per_h"])


def test_the_area_changes_from_the_first_lasting_frame_and_not_from_a_half_found_one():
    rows = [row(index=index, area=area) for index, area in enumerate([10_000.0, 10_000.0, 20_000.0])]
    early = [row(index=0, **UNFORMED), row(index=1, area=700.0), row(index=2, **UNFORMED)]
    rows = early + [one | {"frame_index": 3 + index, "time_h": 3.0 + index} for index, one in enumerate(rows)]
    [embryo] = course_tables(frames_table(rows)).embryos.to_dict("records")
    assert embryo["blastocyst_area_change_frac"] == pytest.approx(1)
    assert (embryo["first_measured_h"], embryo["frames_outlier"]) == (3.0, 1)


def test_a_blastocyst_that_was_full_from_the_first_frame_has_no_time_but_a_note():
    full = {"blastocoel_volume_frac_est": 0.7, "zp_parted_frac": 0.0}
    [embryo] = course_tables(frames_table(row(index=index, **full) for index in range(5))).embryos.to_dict(
        "records"
    )
    assert math.isnan(embryo["t_b_h"])
    assert embryo["t_b_note"] == "before the first frame"
    assert embryo["t_hb_note"] == "fewer than 3 frames can tell"
