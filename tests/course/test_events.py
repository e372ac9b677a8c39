"""Events lie between two frames, or say why they don't."""

import math

import pytest

from blastoseg.columns import STEM_OF_EVENT
from blastoseg.course.events import (
    BEFORE_FIRST,
    HATCHED_FIRST,
    NO_BASELINE,
    NOT_REACHED,
    TOO_FEW,
    event_rules,
)
from blastoseg.course.tables import DEFAULT_GRADES, course_tables


def growing(unformed=3, early=4, full=4, expanded=5):
    """A whole course: its areas and its columns."""
    formed = early + full + expanded
    nothing = [math.nan] * unformed
    return {
        "area": [None] * unformed + [100.0] * (early + full) + [140.0] * expanded,
        "blastocoel_volume_frac_est": nothing + [0.2] * early + [0.7] * (full + expanded),
        "zp_parted_frac": nothing + [0.6] * early + [0.0] * (full + expanded),
        "zp_thickness_mean_px": nothing + [10.0] * (early + full) + [7.0] * expanded,
        "extruded_area_frac": nothing + [0.0] * formed,
        "zp_integrity_frac": nothing + [1.0] * formed,
        "zp_is_breached": [None] * unformed + [False] * formed,
    }


def between(event):
    return event.last_before, event.first_after


def test_blastulation_full_and_expanded_lie_between_the_frames_before_and_after(series):
    events = series(**growing()).events
    assert [between(events[name]) for name in ("tSB", "tB", "tEB")] == [(2, 3), (6, 7), (10, 11)]
    assert not any(events[name].note for name in ("tSB", "tB", "tEB"))
    assert [events[name].note for name in ("zona breached", "tHB", "hatched")] == [NOT_REACHED] * 3


def test_one_frame_that_slips_moves_no_event(series):
    course = growing()
    course["blastocoel_volume_frac_est"][9] = 0.1
    course["extruded_area_frac"][5] = 0.4
    course["zp_thickness_mean_px"][5] = 3.0
    events = series(**course).events
    assert [between(events[name]) for name in ("tSB", "tB", "tEB")] == [(2, 3), (6, 7), (10, 11)]
    assert events["tHB"].note == NOT_REACHED


def test_a_series_that_begins_after_an_event_says_so_and_gives_no_time(frames):
    begun = {name: values[8:] for name, values in growing().items()}
    events = course_tables(frames(**begun)).events.set_index("event")
    assert (events.loc["tSB", "note"], events.loc["tB", "note"]) == (BEFORE_FIRST, BEFORE_FIRST)
    assert math.isnan(events.loc["tB", "first_after_h"])
    assert events.loc["tEB", "note"] == NO_BASELINE


def test_what_hatches_before_it_is_full_is_never_called_full_later(series):
    course = growing(full=1, expanded=8)
    course["blastocoel_volume_frac_est"][3:10] = [0.2] * 7
    course["extruded_area_frac"][5:] = [0.4] * 11
    course["zp_is_breached"][5:] = [True] * 11
    events = series(**course).events
    assert events["tHB"].first_after == 5
    assert [between(events[name]) for name in ("tB", "tEB")] == [(None, None)] * 2
    assert [events[name].note for name in ("tB", "tEB")] == [HATCHED_FIRST] * 2


def test_a_cavity_as_large_as_most_expanded_blastocysts_have_it_is_full(series):
    course = growing()
    course["blastocoel_volume_frac_est"][7:] = [0.36] * 9
    assert between(series(**course).events["tB"]) == (6, 7)


def test_a_zona_read_too_thick_around_a_new_cavity_does_not_hasten_expansion(series):
    course = growing(early=12)
    course["zp_thickness_mean_px"][3:10] = [13.0] * 7
    assert between(series(**course).events["tEB"]) == (18, 19)


def test_hatching_starts_with_the_breach_where_tissue_is_seen_outside_soon_after_it(series):
    course = growing(expanded=14)
    course["extruded_area_frac"][16:] = [0.1] * 9
    for late, start in ((3, 13), (8, 16)):
        course["zp_is_breached"][3:] = [index >= 16 - late for index in range(3, 25)]
        assert series(**course).events["tHB"].first_after == start


def test_hatching_that_comes_and_goes_starts_once(series):
    course = growing(expanded=12)
    course["extruded_area_frac"][12:] = [0.02, 0.0, 0.05, 0.0, 0.1, 0.1, 0.2, 0.0, 0.2, 0.3, 0.3]
    course["zp_is_breached"][12:] = [share > 0 for share in course["extruded_area_frac"][12:]]
    events = series(**course).events
    assert between(events["tHB"]) == (15, 16)
    assert events["hatched"].note == NOT_REACHED


def test_an_embryo_that_left_its_zona_has_hatched_and_one_whose_zona_was_never_seen_has_not(series):
    course = growing(expanded=12)
    course["extruded_area_frac"][12:] = [0.2] * 5 + [math.nan] * 6
    course["zp_integrity_frac"] = [0.9] * 17 + [math.nan] * 6
    assert between(series(**course).events["hatched"]) == (16, 17)
    course["extruded_area_frac"] = course["zp_integrity_frac"] = [math.nan] * 23
    events = series(**course).events
    assert (events["tHB"].note, events["hatched"].note) == (TOO_FEW, NOT_REACHED)


def test_an_embryo_large_in_micrometres_is_expanded_whatever_its_zona_was(series):
    begun = {name: values[7:11] for name, values in growing().items()}
    begun["area"] = [25_000.0] * 4
    assert series(**begun, um_per_px=[1.0] * 4).events["tEB"].note == BEFORE_FIRST
    assert series(**begun).events["tEB"].note == NO_BASELINE


def test_events_have_columns_in_the_embryos_table_and_rows_in_their_own(frames):
    assert set(STEM_OF_EVENT) == set(event_rules(DEFAULT_GRADES))
    tables = course_tables(frames(**growing()))
    [embryo] = tables.embryos.to_dict("records")
    assert (embryo["t_b_last_before_h"], embryo["t_b_h"]) == (6, 7)
    rows = tables.events.set_index("event")
    assert list(rows.index) == list(event_rules(DEFAULT_GRADES))
    assert (rows.loc["tB", "last_before_h"], rows.loc["tB", "first_after_frame"]) == (6, 7)


def test_a_collapse_is_an_event_before_or_after_a_full_blastocyst(frames):
    course = growing(early=8, full=8)
    course["area"][5:8] = [70.0, 60.0, 80.0]
    course["area"][13:16] = [70.0, 60.0, 80.0]
    events = course_tables(frames(**course)).events
    collapses = events[events["event"] == "collapse"]
    assert list(collapses["is_after_t_b"]) == [False, True]
    assert list(collapses["minimum_h"]) == [6, 14]
    assert list(collapses["depth_area_frac"]) == pytest.approx([0.4, 0.4])


def test_stills_have_no_events(frames):
    assert not len(course_tables(frames([100.0, 100.0])).events)
