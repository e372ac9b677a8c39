"""When something began that lasts, and that so many frames in a row have something."""

import math

import numpy as np
import pytest

from blastoseg.course.evidence import first_run, lasting_start, running_median


@pytest.mark.parametrize(
    ("says", "start"),
    [
        ([0, 0, 1, 1, 1], 2),
        ([0, 1, 0, 1, 1, 1], 3),
        ([0, 1, 1, 1, 0, 1, 1, 1], 1),
        ([1, 1, 1, 1], 0),
        ([0, 0, 1, 1], None),
        ([1, 1, 1, 0, 0, 0], None),
        ([0, math.nan, 1, math.nan, 1, 1], 2),
        ([], None),
    ],
)
def test_what_lasts_begins_where_the_most_frames_say_so(says, start):
    assert lasting_start(np.array(says, float)) == start


@pytest.mark.parametrize(
    ("says", "start"),
    [
        ([0, 1, 1, 1, 0], 1),
        ([1, 1, 0, 1, 1, math.nan, 1, 0], 3),
        ([1, 1, 0, 1, 1], None),
        ([1, 1], None),
    ],
)
def test_a_run_is_three_frames_in_a_row_of_those_that_can_tell(says, start):
    assert first_run(np.array(says, float)) == start


def test_a_running_median_keeps_a_step_and_leaves_undefined_frames_out():
    values = np.array([1, 1, 9, 1, math.nan, 1, 5, 5, 5.0])
    assert running_median(values, 3)[[0, 1, 2, 3, 5, 6, 8]] == pytest.approx([1, 1, 1, 1, 1, 5, 5])
    assert math.isnan(running_median(values, 3)[4])
