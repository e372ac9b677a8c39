"""One embryo over time: its course from the table of frames."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg import columns
from blastoseg.course.series import count_collapses, describe_series, embryos_table
from blastoseg.report.tables import frames_table


def row(embryo="e1", index=0, status="ok", area=10_000.0, um=float("nan"), **others):
    return {
        "embryo_id": embryo,
        "source": f"{embryo}/{index}.jpg",
        "frame_index": index,
        "time_h": float(index),
        "status": status,
        "flags": "",
        "blastocyst_area_px2": area,
        "blastocyst_area_um2": area * um**2,
        "um_per_px": um,
        **others,
    }


def test_an_embryo_has_the_values_of_its_latest_measured_frame():
    frames = frames_table(
        [row(index=0, area=9.0), row(index=1, area=11.0), row(index=2, status="failed", area=math.nan)]
    )
    [embryo] = embryos_table(frames).to_dict("records")
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
    [embryo] = embryos_table(frames).to_dict("records")
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
    seen, unread = embryos_table(frames).to_dict("records")
    assert (seen["status"], seen["reason"], seen["frame_index"]) == ("excluded", "no embryo was found", 0)
    assert (unread["status"], unread["frames_failed"]) == ("failed", 1)


def test_a_frame_without_a_defined_area_is_not_measured_and_shows_no_numbers():
    frames = frames_table(
        [row(index=0, area=9.0), row(index=1, status="review", area=math.nan, icm_area_px2=5.0)]
    )
    [embryo] = embryos_table(frames).to_dict("records")
    assert (embryo["frame_index"], embryo["last_measured_h"]) == (0, 0.0)
    [embryo] = embryos_table(frames.iloc[1:]).to_dict("records")
    assert embryo["status"] == "review"
    assert math.isnan(embryo["icm_area_px2"])


def test_frames_of_an_embryo_may_lie_apart_in_the_table():
    frames = frames_table([row("a", 0), row("b", 0), row("a", 1, area=5.0)])
    first, second = embryos_table(frames).to_dict("records")
    assert (first["embryo_id"], first["frames_total"], first["blastocyst_area_px2"]) == ("a", 2, 5.0)
    assert (second["embryo_id"], second["frames_total"]) == ("b", 1)


def test_no_frames_give_an_empty_typed_table():
    table = embryos_table(frames_table([]))
    assert len(table) == 0
    assert list(table.columns) == [column.name for column in columns.EMBRYO_COLUMNS]
    for column in columns.EMBRYO_COLUMNS:
        assert str(table[column.name].dtype) == columns.PANDAS_DTYPES[column.dtype]


def test_embryos_keep_the_order_of_their_frames():
    frames = frames_table([row("WELL2"), row("WELL10"), row("WELL1")])
    assert list(embryos_table(frames)["embryo_id"]) == ["WELL2", "WELL10", "WELL1"]


@given(slope=st.floats(-50, 50), outlier=st.integers(0, 19))
def test_the_growth_rate_is_the_slope_and_one_outlier_does_not_move_it_far(slope, outlier):
    areas = [10_000 + slope * index * 0.5 for index in range(20)]
    areas[outlier] *= 1.5
    rows = [row(index=index, time_h=20 + index * 0.5, area=area) for index, area in enumerate(areas)]
    assert describe_series(frames_table(rows))["blastocyst_area_rate_px2_per_h"] == pytest.approx(
        slope, abs=1e-6
    )


def test_hours_and_physical_rates_are_undefined_where_time_or_pixel_size_are():
    series = describe_series(frames_table([row(index=index, time_h=math.nan) for index in range(3)]))
    assert math.isnan(series["blastocyst_area_rate_px2_per_h"])
    series = describe_series(frames_table([row(index=index, um=0.5) for index in range(3)]))
    assert series["blastocyst_area_rate_um2_per_h"] == 0
    series = describe_series(frames_table([row(index=index) for index in range(3)]))
    assert math.isnan(series["blastocyst_area_rate_um2_per_h"])


def test_collapses_are_counted_once_each_and_a_single_low_frame_is_none():
    grows = np.linspace(100, 200, 11)
    assert count_collapses(grows) == 0
    assert count_collapses(np.array([100, 120, 140, 60, 150, 160.0])) == 0
    assert count_collapses(np.array([100, 140, 80, 70, 90, 120, 139, 150, 90, 80.0])) == 2
    assert count_collapses(np.array([100, 200, 100, 100, 100.0])) == 1


def test_hatching_begins_with_the_first_frame_that_says_so():
    rows = [row(index=0), row(index=1, flags="hatching;uncalibrated"), row(index=2, flags="hatching")]
    assert describe_series(frames_table(rows))["hatching_start_h"] == 1.0
