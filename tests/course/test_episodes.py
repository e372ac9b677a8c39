"""Episodes: what is doubtful over a stretch of frames is one row."""

import pandas as pd
import pytest

from blastoseg.course.episodes import WORDS_OF_OUTLIER
from blastoseg.course.steady import CourseFlag
from blastoseg.course.tables import course_tables
from blastoseg.quality import DOUBTS, NOT_BLASTOCYST
from blastoseg.records import Flag

UNSURE = DOUBTS[Flag.LOW_CONFIDENCE]


def episodes(table):
    return course_tables(table).episodes.to_dict("records")


def doubtful(reasons):
    return {"status": ["review" if reason else "ok" for reason in reasons], "reason": reasons}


def test_frames_with_the_same_doubt_are_one_episode_from_the_first_to_the_last(frames):
    reasons = [""] * 3 + [f"{UNSURE}zona pellucida"] * 5 + [""] * 2
    sure = [0.9] * 5 + [0.3] + [0.9] * 4
    table = frames(
        [100.0] * 10, confidence_zp_frac=sure, overlay=[f"o/{i}.jpg" for i in range(10)], **doubtful(reasons)
    )
    [episode] = episodes(table)
    assert (episode["episode_from_h"], episode["episode_to_h"], episode["episode_frames"]) == (3, 7, 5)
    assert episode["doubt"] == "zona pellucida not certain"
    assert (episode["worst_frame"], episode["overlay"]) == (5, "o/5.jpg")


def test_a_few_frames_without_the_doubt_do_not_end_an_episode_and_many_do(frames):
    reason = f"{UNSURE}trophectoderm"
    bridged = doubtful([reason, "", "", "", reason])
    assert [one["episode_frames"] for one in episodes(frames([100.0] * 5, **bridged))] == [2]
    apart = doubtful([reason, "", "", "", "", reason])
    assert [one["episode_frames"] for one in episodes(frames([100.0] * 6, **apart))] == [1, 1]


def test_doubts_of_frames_that_touch_share_an_episode_the_most_frequent_first(frames):
    both = f"low contrast; {UNSURE}trophectoderm, zona pellucida"
    reasons = [both, both, f"{UNSURE}zona pellucida", "", "out of focus"]
    found = episodes(frames([100.0] * 5, **doubtful(reasons)))
    words = "zona pellucida not certain; low contrast; trophectoderm not certain; out of focus"
    assert [(one["doubt"], one["episode_frames"]) for one in found] == [(words, 4)]


def test_an_embryo_has_ten_episodes_at_most_however_often_its_doubts_come_and_go(frames):
    reasons = (["low contrast"] + [""] * 5) * 30
    assert 1 <= len(episodes(frames([100.0] * 180, **doubtful(reasons)))) <= 10


def test_lost_frames_come_first_and_frames_without_a_blastocyst_last(frames):
    table = frames(
        [None] * 5 + [100.0] * 4,
        reason=[NOT_BLASTOCYST] * 5 + ["low contrast"] * 2 + ["", "x.jpg: is cut short"],
        status=["excluded"] * 5 + ["review"] * 2 + ["ok", "failed"],
    )
    assert [one["episode_kind"] for one in episodes(table)] == ["failed", "review", "excluded"]


def test_a_frame_that_contradicts_its_neighbours_is_an_episode_though_it_is_ok(frames):
    [episode] = episodes(frames([100.0, 100, 50, 100, 100]))
    assert episode["doubt"] == WORDS_OF_OUTLIER["area_outlier"]
    assert set(WORDS_OF_OUTLIER) == {flag.value for flag in CourseFlag}


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_doubtful_is_an_empty_typed_table(frames, count):
    table = course_tables(frames([100.0] * count)).episodes
    assert not len(table)
    assert isinstance(table["episode_frames"].dtype, pd.Int64Dtype)
