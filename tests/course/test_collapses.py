"""Collapses: the 10 % rule, and Marcos's beside it."""

import math

import numpy as np
import pytest


def depths(series, area):
    return [round(collapse.depth, 2) for collapse in series(list(area)).collapses]


def test_collapses_are_counted_once_each_and_a_single_low_frame_is_none(series):
    assert depths(series, np.linspace(100, 200, 11)) == []
    assert depths(series, [100.0, 120, 140, 60, 150, 160]) == []
    assert depths(series, [100.0, 140, 140, 80, 70, 90, 120, 139, 150, 150, 90, 80]) == [0.5, 0.47]
    assert depths(series, [100.0, 200, 200, 100, 100]) == [0.5]


def test_a_collapse_lies_between_frames_and_has_a_minimum_and_a_recovery(series):
    [collapse] = series([100.0, 102, 101, 80, 60, 70, 90, 98, 110]).collapses
    assert (collapse.start, collapse.first_low, collapse.minimum, collapse.recovery) == (2, 3, 4, 7)
    assert collapse.depth == pytest.approx(1 - 60 / 102, abs=0.01)
    assert collapse.depth_volume == pytest.approx(1 - (1 - collapse.depth) ** 1.5)


def test_a_collapse_at_the_end_of_a_series_has_not_recovered(series):
    [collapse] = series([100.0, 100, 70, 60]).collapses
    assert collapse.recovery is None


def test_half_of_the_outline_parted_from_the_zona_is_a_collapse_after_marcos(series):
    area = [100.0, 100, 60, 70, 100]
    [shallow] = series(area, zp_parted_frac=[0, 0, 0.4, 0.3, 0]).collapses
    [marcos] = series(area, zp_parted_frac=[0, 0, 0.4, 0.6, 0]).collapses
    [unseen] = series(area, zp_parted_frac=[math.nan] * 5).collapses
    assert (shallow.is_marcos, marcos.is_marcos, unseen.is_marcos) == (False, True, False)
    assert math.isnan(unseen.parted)


def test_two_slips_in_a_row_one_up_and_one_down_are_no_collapse(series):
    assert depths(series, [100.0, 100, 130, 85, 100, 100, 100]) == []


def test_no_frames_that_contradict_their_neighbours_make_a_collapse(series):
    assert depths(series, [100.0, 100, 50, 100, 100, 50, 100, 100]) == []


def test_what_an_embryo_leaves_behind_in_its_zona_is_no_collapse_and_a_fall_after_it_is(series):
    hatching = {
        "extruded_area_frac": [0.3] * 6 + [math.nan] * 9,
        "zp_integrity_frac": [0.8] * 6 + [math.nan] * 9,
    }
    free = series([100.0] * 6 + [75.0] * 9, **hatching)
    assert (free.events["hatched"].first_after, free.collapses) == (6, [])
    [fall] = series([100.0] * 6 + [75.0] * 4 + [50.0] * 5, **hatching).collapses
    assert (fall.first_low, round(fall.depth, 2)) == (10, 0.33)


def test_a_part_outside_that_is_not_seen_for_some_frames_is_no_collapse(series):
    area, seen = [100.0] * 4 + [82.0] * 3 + [100.0] * 3, [0.2] * 4 + [0.2] * 3 + [0.2] * 3
    lost = [*seen[:4], 0.02, 0.02, 0.02, *seen[7:]]
    assert depths(lambda given: series(given, extruded_area_frac=seen), area) == [0.18]
    assert depths(lambda given: series(given, extruded_area_frac=lost), area) == []


def test_what_is_taken_for_a_blastocyst_before_there_is_one_collapses_no_more(series):
    assert depths(series, [100.0, None, None, None, 50, 50, 50, 100, 100, 100]) == []
