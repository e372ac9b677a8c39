"""Scores and temperature from answers that are known."""

import numpy as np
import pytest

pytest.importorskip("lightning")

from blastoseg.training import held_out
from blastoseg.training.held_out import PIXEL_STEP, score_on_synthetic, temperature_of
from blastoseg.training.reliability import Reliability

pytestmark = pytest.mark.slow


def random_answers(too_sure):
    """Truth ``(y, x)`` and the probabilities of a network whose logits are so many times too large."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (5, 400, 400))
    honest = np.exp(logits) / np.exp(logits).sum(axis=0)
    truth = (rng.random((400, 400)) > honest.cumsum(axis=0)).sum(axis=0).clip(max=4)
    return truth, np.exp(too_sure * logits) / np.exp(too_sure * logits).sum(axis=0)


def test_probabilities_that_are_twice_too_sure_get_the_temperature_two():
    assert temperature_of([random_answers(too_sure=2)]) == pytest.approx(2.0, rel=0.06)


def test_a_card_has_the_calibration_error_that_an_evaluation_computes(monkeypatch):
    truth, answer = random_answers(too_sure=2)
    monkeypatch.setattr(held_out, "_answers", lambda *_: [(truth, answer)])
    scores = score_on_synthetic(None, None, 1)
    thinned = answer[:, ::PIXEL_STEP, ::PIXEL_STEP]
    is_right = thinned.argmax(axis=0) == truth[::PIXEL_STEP, ::PIXEL_STEP]
    expected = Reliability.of(thinned.max(axis=0), is_right).expected_calibration_error()
    assert scores.calibration_error == expected > 0.1
