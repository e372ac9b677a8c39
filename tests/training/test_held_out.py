"""Calibration against hand-computed cases."""

import numpy as np
import pytest

pytest.importorskip("lightning")

from blastoseg.training.held_out import expected_calibration_error, temperature_of


def test_the_calibration_error_of_a_hand_computed_case() -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5])
    correct = np.array([True, True, False, False, True, False])
    assert expected_calibration_error(confidence, correct) == pytest.approx((4 * 0.4 + 2 * 0.0) / 6)


def test_probabilities_that_are_twice_too_sure_get_the_temperature_two() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (5, 400, 400))
    honest = np.exp(logits) / np.exp(logits).sum(axis=0)
    truth = (rng.random((400, 400)) > honest.cumsum(axis=0)).sum(axis=0).clip(max=4)
    sure = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=0)
    assert temperature_of([(truth, sure)]) == pytest.approx(2.0, rel=0.06)
