"""The frame that stands for an embryo is the best recent one, and says so."""

import math

from blastoseg.course.tables import course_tables


def shown(table, recent_h=3.0):
    [embryo] = course_tables(table, recent_h).embryos.to_dict("records")
    return embryo["frame_index"], embryo["frame_choice"]


def test_an_ok_frame_stands_before_a_later_one_for_review(frames):
    statuses = ["ok", "ok", "review", "review"]
    assert shown(frames([100.0] * 4, status=statuses)) == (
        1,
        "ok, 2.0 h before the latest measured frame, which is for review",
    )


def test_a_frame_longer_ago_than_the_settings_name_stands_for_nothing(frames):
    table = frames([100.0] * 4, status=["ok", "review", "review", "review"])
    assert shown(table, recent_h=2.0) == (3, "the latest measured frame")
    assert shown(table, recent_h=3.0)[0] == 0


def test_a_frame_in_focus_stands_before_a_blurred_one(frames):
    flags = ["low_confidence", "low_confidence", "out_of_focus"]
    assert shown(frames([100.0] * 3, status=["review"] * 3, flags=flags)) == (
        1,
        "review, 1.0 h before the latest measured frame, which is out of focus",
    )


def test_an_outlier_never_stands_for_an_embryo(frames):
    table = frames([100.0, 100, 50, 100], status=["review", "review", "ok", "review"])
    assert shown(table)[0] == 3


def test_without_hours_the_latest_frame_stands(frames):
    table = frames([100.0] * 3, status=["ok", "ok", "review"], time_h=[math.nan] * 3)
    assert shown(table) == (2, "the latest measured frame")


def test_an_embryo_never_measured_says_so(frames):
    assert shown(frames([None, None])) == (1, "never measured")
