"""The suggested stage of expansion is read off the events, or says why it can't be told."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.course import expansion
from blastoseg.course.events import BEFORE_FIRST
from blastoseg.course.expansion import GARDNER, ISTANBUL_2011, ISTANBUL_2025, STAGE_OF_EVENT
from blastoseg.course.series import follow_embryos
from blastoseg.course.tables import course_tables
from blastoseg.report.tables import frames_table
from blastoseg.settings import Grades
from tests.course.conftest import UNFORMED, row

CLOSED = {"zp_integrity_frac": 1.0, "zp_is_breached": False, "extruded_area_frac": 0.0}
STAGES = {
    1: {"blastocoel_volume_frac_est": 0.05, "zp_parted_frac": 0.5},
    2: {"blastocoel_volume_frac_est": 0.15, "zp_parted_frac": 0.5},
    3: {"blastocoel_volume_frac_est": 0.4, "zp_parted_frac": 0.0, "zp_thickness_mean_px": 10.0},
    4: {"blastocoel_volume_frac_est": 0.5, "zp_parted_frac": 0.0, "zp_thickness_mean_px": 7.0},
    5: {"blastocoel_volume_frac_est": 0.5, "extruded_area_frac": 0.3, "zp_is_breached": True},
    6: {"blastocoel_volume_frac_est": 0.5, "extruded_area_frac": math.nan, "zp_integrity_frac": math.nan},
}
"""What a frame at each stage shows; the thickness before stage 3 is that of stage 3."""


def told(stages, **others):
    """The row of an embryo whose frames, in the order of time, show these stages; 0 is no blastocyst yet."""
    rows = []
    for index, stage in enumerate(stages):
        shown = {"zp_thickness_mean_px": 10.0, **CLOSED, **STAGES[stage], **others} if stage else UNFORMED
        rows.append(row(index=index, **shown))
    tables = course_tables(frames_table(rows))
    [embryo] = tables.embryos.fillna({"expansion_stage": 0}).to_dict("records")
    return embryo, list(tables.frames["steady_expansion_stage"].fillna(0))


def test_a_whole_course_passes_every_stage_at_its_event():
    embryo, course = told([0] * 3 + [1] * 4 + [2] * 5 + [3] * 6 + [4] * 7 + [5] * 8 + [6] * 9)
    assert course == [0] * 3 + [1] * 4 + [2] * 5 + [3] * 6 + [4] * 7 + [5] * 8 + [6] * 9
    assert [embryo[f"{stem}_h"] for stem in ("t_sb", "t_b", "t_eb", "t_hb", "t_hatched")] == [
        3,
        12,
        18,
        25,
        33,
    ]
    assert (embryo["expansion_stage"], embryo["expansion_note"]) == (6, "")


@pytest.mark.parametrize("stage", range(1, 6))
def test_the_stage_has_the_three_namings(stage):
    embryo, _ = told([0] * 3 + [early for early in range(1, stage + 1) for _ in range(5)])
    assert embryo["expansion_stage"] == stage
    assert embryo["expansion_gardner"] == str(stage)
    assert embryo["expansion_istanbul_2025"] == ISTANBUL_2025[stage]
    assert embryo["expansion_istanbul_2011"] == ISTANBUL_2011[stage]
    assert set(GARDNER) == set(ISTANBUL_2011) == set(ISTANBUL_2025)


def test_a_series_that_begins_full_is_full_or_expanded_until_it_hatches():
    embryo, course = told([3] * 6)
    assert (embryo["expansion_stage"], embryo["expansion_gardner"]) == (0, "3 or 4")
    assert embryo["expansion_istanbul_2011"] == "2, blastocyst or 3, expanded"
    assert embryo["expansion_note"] == expansion.BEGINS_FULL
    assert course == [0] * 6
    embryo, course = told([3] * 6 + [5] * 5)
    assert (embryo["expansion_stage"], course) == (5, [0] * 6 + [5] * 5)


def test_a_large_series_that_begins_full_is_expanded_and_has_no_time_of_it():
    rows = [
        row(index=index, um=1.0, area=20_000.0 + 1_000 * index, **CLOSED, **STAGES[3]) for index in range(9)
    ]
    tables = course_tables(frames_table(rows))
    [embryo] = tables.embryos.to_dict("records")
    assert embryo["expansion_stage"] == 4
    assert math.isnan(embryo["t_eb_h"])
    assert list(tables.frames["steady_expansion_stage"].fillna(0)) == [0] * 4 + [4] * 5


def test_a_collapse_takes_no_stage_back_and_is_told():
    course = [(1, 10_000.0)] * 5 + [(3, 10_000.0)] * 5 + [(1, 5_000.0)] * 3
    rows = [
        row(index=index, area=area, **{"zp_thickness_mean_px": 10.0, **CLOSED, **STAGES[stage]})
        for index, (stage, area) in enumerate(course)
    ]
    [embryo] = course_tables(frames_table(rows)).embryos.to_dict("records")
    assert (embryo["expansion_stage"], embryo["expansion_note"]) == (3, expansion.IN_COLLAPSE)


@pytest.mark.parametrize(
    ("stage", "others", "gardner", "note"),
    [
        (1, {}, "1", expansion.LOOKS_EARLY),
        (2, {}, "2", expansion.LOOKS_EARLY),
        (3, {}, "3 or 4", expansion.LOOKS_FULL),
        (3, {"area": 25_000.0, "um": 1.0}, "4", expansion.ONE_FRAME),
        (3, {"area": 20_000.0, "um": 1.0}, "3 or 4", expansion.LOOKS_FULL),
        (5, {}, "5", expansion.ONE_FRAME),
        (5, {"extruded_area_frac": 0.97}, "6", expansion.ONE_FRAME),
        (6, {}, "", expansion.NO_ZONA),
    ],
)
def test_a_still_tells_what_one_frame_can_tell_and_no_more(stage, others, gardner, note):
    frames = frames_table([row(**(CLOSED | STAGES[stage] | others))])
    [embryo] = course_tables(frames).embryos.to_dict("records")
    assert (embryo["expansion_gardner"], embryo["expansion_note"]) == (gardner, note)


def test_an_embryo_that_hatches_as_soon_as_it_is_a_blastocyst_has_a_time_of_it():
    embryo, course = told([0] * 4 + [5] * 6)
    assert (embryo["t_hb_last_before_h"], embryo["t_hb_h"]) == (3, 4)
    assert course == [0] * 4 + [5] * 6


def test_a_stage_is_not_told_where_no_zona_tells_whether_hatching_had_begun():
    rows = [row(index=index, **(STAGES[1] if index < 4 else CLOSED | STAGES[5])) for index in range(9)]
    course = course_tables(frames_table(rows)).frames["steady_expansion_stage"]
    assert list(course.fillna(0)) == [0] * 4 + [5] * 5


def test_an_embryo_without_a_blastocyst_has_no_stage_and_says_so():
    embryo, course = told([0] * 5)
    assert (embryo["expansion_gardner"], embryo["expansion_note"]) == ("", expansion.NO_BLASTOCYST)
    assert course == [0] * 5


def test_the_lab_s_cut_offs_count(series):
    volume = [0.1] * 5 + [0.3] * 5
    columns = {"blastocoel_volume_frac_est": volume, "zp_parted_frac": [0.0] * 10}
    assert series([100.0] * 10, **columns).stage[-1] == 3
    assert series([100.0] * 10, Grades(full_volume_frac=0.4), **columns).stage[-1] == 2


FRAMES = st.lists(st.integers(0, 6), min_size=3, max_size=25)


@settings(deadline=None, max_examples=60)
@given(FRAMES)
def test_stage_and_events_never_contradict_whatever_the_frames_say(shown):
    rows = [
        row(index=index, **(CLOSED | STAGES[stage] if stage else UNFORMED))
        for index, stage in enumerate(shown)
    ]
    [found] = follow_embryos(frames_table(rows), Grades())
    known = found.stage[np.isfinite(found.stage)]
    assert (np.diff(known) >= 0).all()
    for name, stage in STAGE_OF_EVENT.items():
        start = found.events[name].first_after
        if start is not None:
            assert not (found.stage[start:] < stage).any()
            if found.events[name].note == BEFORE_FIRST:
                assert np.isnan(found.stage[:start]).all()
            reached = found.stage[:start]
            later = [found.events[other].first_after for other, one in STAGE_OF_EVENT.items() if one > stage]
            if not any(one is not None and one < start for one in later):
                assert not (reached >= stage).any()


def two_icms(counts):
    rows = [row(index=index, icm_components=count) for index, count in enumerate(counts)]
    [embryo] = course_tables(frames_table(rows)).embryos.to_dict("records")
    return embryo["embryo_note"]


def test_two_inner_cell_masses_in_three_frames_in_a_row_are_told_in_words():
    assert two_icms([1, 1, 2, 2, 3, 1]) == "two inner cell masses or more: first at 2.0 h, in 3 of 6 frames"
    assert two_icms([2]) == "two inner cell masses or more: in 1 of 1 frames"
    assert two_icms([1, 2, 2, 1, 2, None]) == two_icms([1]) == two_icms([None]) == ""
