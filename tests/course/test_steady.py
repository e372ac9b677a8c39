"""The steady course: a frame that contradicts its neighbours is left out, and hatching goes forward only."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg import columns
from blastoseg.course.evidence import forward_only
from blastoseg.course.steady import MEANING_OF_COURSE_FLAG, CourseFlag
from blastoseg.course.tables import course_tables


def outliers(series, flag):
    return list(np.flatnonzero(series.steady.outliers[flag]))


def test_a_frame_between_two_that_agree_is_an_outlier_and_stays_as_it_was_measured(frames):
    table = frames([100.0, 102, 60, 104, 106], blastocoel_area_frac=[0.5] * 5)
    reported = course_tables(table).frames
    assert list(reported["course_flags"]) == ["", "", "area_outlier", "", ""]
    assert np.isnan(reported["steady_blastocyst_area_px2"][2])
    names = [column.name for column in columns.FRAME_COLUMNS]
    assert reported[names].equals(table)


def test_a_collapse_and_a_steep_rise_are_no_outliers(series):
    assert outliers(series([100.0, 100, 55, 62, 70, 80, 90, 100]), CourseFlag.AREA_OUTLIER) == []
    assert outliers(series([100.0, 120, 144, 173, 207]), CourseFlag.AREA_OUTLIER) == []


def test_the_ends_of_a_series_have_no_neighbours_on_both_sides(series):
    assert outliers(series([50.0, 100, 100, 100, 50]), CourseFlag.AREA_OUTLIER) == []


def test_a_cavity_that_is_gone_for_one_frame_is_an_outlier(series):
    followed = series([100.0] * 5, blastocoel_area_frac=[0.5, 0.5, 0.1, 0.5, 0.5])
    assert outliers(followed, CourseFlag.CAVITY_OUTLIER) == [2]
    assert not followed.steady.is_used[2]


def test_a_blastocyst_before_the_embryo_was_one_and_a_frame_without_one_after_it_are_outliers(series):
    followed = series([None, 50.0, None] + [100.0] * 4 + [None] + [100.0] * 4 + [None] * 3 + [100.0] * 4)
    assert outliers(followed, CourseFlag.BLASTOCYST_OUTLIER) == [1, 7]


def test_an_embryo_seen_once_is_believed(series):
    assert series([100.0]).steady.is_used.all()
    assert list(series([100.0, None]).steady.is_used) == [True, False]


def test_a_breached_zona_stays_breached_and_a_slip_breaches_none(series):
    says = [False, True, False, False, True, True, False, True, True]
    followed = series([100.0] * 9, zp_is_breached=says)
    assert list(followed.steady.breached) == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_a_zona_that_nobody_saw_is_neither_whole_nor_breached(series):
    assert np.isnan(series([100.0] * 4, zp_is_breached=[None] * 4).steady.breached).all()


@given(st.lists(st.floats(0, 1), min_size=4, max_size=40))
def test_the_share_outside_the_zona_never_falls(shares):
    fitted = forward_only(np.array(shares))
    assert (np.diff(fitted) >= -1e-12).all()
    assert min(shares) - 1e-12 <= fitted.min() <= fitted.max() <= max(shares) + 1e-12


def test_a_stretch_of_slips_moves_the_share_outside_the_zona_by_nothing(series):
    shares = [0.3] * 10 + [0.6] * 20 + [0.1] * 10 + [0.6] * 2
    followed = series([100.0] * 42, extruded_area_frac=shares)
    assert outliers(followed, CourseFlag.HATCHING_OUTLIER) == list(range(30, 40))
    assert np.isnan(followed.steady.extruded[30:40]).all()
    assert followed.steady.extruded[[0, 15, 41]] == pytest.approx([0.3, 0.6, 0.6], abs=0.01)
    # The blastocyst itself was seen: its area stays in the course.
    assert followed.steady.is_used.all()


def test_a_frame_without_a_zona_says_nothing_of_hatching(series):
    followed = series([100.0] * 6, extruded_area_frac=[0.0, 0.0, math.nan, 0.1, 0.1, 0.1])
    assert np.isnan(followed.steady.extruded[2])
    assert followed.steady.is_used[2]


def test_every_flag_of_the_course_is_explained():
    assert set(MEANING_OF_COURSE_FLAG) == set(CourseFlag)


def test_the_course_of_an_embryo_is_the_same_whoever_stands_beside_it(frames):
    one = frames([100.0, 102, 60, 104, 106])
    other = one.assign(embryo_id="e2", blastocyst_area_px2=5.0)
    both = pd.concat([one, other], ignore_index=True)
    assert course_tables(both).frames.iloc[:5].equals(course_tables(one).frames)
