"""How fast a full blastocyst grows and its zona thins."""

import math

import numpy as np
import pytest

from blastoseg.course.tables import course_tables


def course(count=24, slope=10.0, full_from=5):
    index = np.arange(count)
    return {
        "area": list(1000 + slope * np.maximum(index - full_from, 0) + 2.0 * (-1.0) ** index),
        "blastocoel_volume_frac_est": list(np.where(index < full_from, 0.2, 0.7)),
        "zp_thickness_mean_px": list(20 - 0.2 * np.maximum(index - full_from, 0)),
        "extruded_area_frac": [0.0] * count,
        "um_per_px": [0.5] * count,
    }


def test_the_expansion_rate_is_the_slope_over_ten_hours_with_its_standard_error(frames):
    [embryo] = course_tables(frames(**course())).embryos.to_dict("records")
    assert embryo["expansion_rate_px2_per_h"] == pytest.approx(10, abs=0.2)
    assert embryo["expansion_rate_um2_per_h"] == pytest.approx(2.5, abs=0.05)
    # Residuals of 2 about a line through 11 hours: 2 * sqrt(11 / 9) / sqrt(110).
    assert embryo["expansion_rate_se_px2_per_h"] == pytest.approx(0.21, abs=0.01)
    assert embryo["zp_thinning_rate_px_per_h"] == pytest.approx(0.2)
    assert embryo["zp_thinning_rate_um_per_h"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "changed",
    [
        {"blastocoel_volume_frac_est": [0.7] * 24},
        {"area": [1000.0] * 10 + [700.0] * 3 + [1000.0] * 11},
        {"time_h": [math.nan] * 24},
    ],
    ids=["tB before the first frame", "a collapse in the window", "no hours"],
)
def test_there_is_no_rate_without_a_window(frames, changed):
    [embryo] = course_tables(frames(**(course() | changed))).embryos.to_dict("records")
    assert math.isnan(embryo["expansion_rate_px2_per_h"])
    assert math.isnan(embryo["expansion_rate_se_px2_per_h"])
