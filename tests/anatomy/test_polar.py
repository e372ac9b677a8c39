"""The main circle of a mask: found beside other things, and not where there is none."""

import warnings

import numpy as np
import pytest

from blastoseg.anatomy.polar import main_circle

SIDE = 256


def away(x0: float, y0: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.hypot(x - x0, y - y0)


def test_the_circle_of_an_arc_is_found_beside_a_smaller_arc() -> None:
    x = np.arange(SIDE)[None]
    mask = (np.abs(away(100, 120) - 60) < 4) & (x < 120) | (np.abs(away(190, 120) - 40) < 2) & (x > 200)
    centre, radius = main_circle(mask) or ((0.0, 0.0), 0.0)
    assert centre == pytest.approx((100, 120), abs=2)
    assert radius == pytest.approx(60, abs=2)
    assert main_circle(mask) == (centre, radius)


def test_a_line_and_a_speck_have_no_circle_and_nothing_is_printed() -> None:
    line, speck = np.zeros((2, SIDE, SIDE), bool)
    line[100, 20:220] = True
    speck[4:6, 4:6] = True
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main_circle(line) is None
        assert main_circle(speck) is None
