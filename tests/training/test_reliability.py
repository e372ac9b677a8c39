"""Calibration of simulated classifiers whose calibration is known."""

import numpy as np
import pytest

from blastoseg.training.reliability import BINS, Reliability


def test_a_classifier_that_is_right_as_often_as_it_says_has_no_calibration_error():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.2, 1, 400_000)
    reliability = Reliability.of(confidence, rng.random(confidence.size) < confidence)
    assert reliability.expected_calibration_error() < 0.005


def test_an_overconfident_classifier_has_the_error_it_was_given():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 1, 400_000)
    reliability = Reliability.of(confidence, rng.random(confidence.size) < confidence - 0.2)
    assert reliability.expected_calibration_error() == pytest.approx(0.2, abs=0.005)


def test_the_error_of_three_pixels_is_the_one_computed_by_hand():
    # Bins of 1/15: 0.62 and 0.64 share one (one of two right), 1.0 is alone and right.
    reliability = Reliability.of(np.array([0.62, 0.64, 1.0]), np.array([True, False, True]))
    assert reliability.expected_calibration_error() == pytest.approx((2 * abs(0.5 - 0.63) + 0) / 3)
    table = reliability.table()
    assert len(table) == BINS
    assert table["pixels"].iloc[-1] == 1
    assert table["share_right"].isna().sum() == BINS - 2


def test_adding_reliabilities_is_pooling_their_pixels():
    rng = np.random.default_rng(3)
    confidence, right = rng.random(100), rng.random(100) < 0.5
    joined = Reliability.of(confidence[:40], right[:40]) + Reliability.of(confidence[40:], right[40:])
    whole = Reliability.of(confidence, right)
    np.testing.assert_array_equal(joined.pixels, whole.pixels)
    assert joined.expected_calibration_error() == pytest.approx(whole.expected_calibration_error())
    assert np.isnan(Reliability.empty().expected_calibration_error())


def test_a_probability_on_a_limit_belongs_to_the_bin_below_it_and_0_to_the_first():
    limits = np.arange(BINS + 1) / BINS
    table = Reliability.of(limits, np.ones(BINS + 1, bool)).table()
    assert table["pixels"].tolist() == [2] + [1] * (BINS - 1)
