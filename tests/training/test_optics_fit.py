"""Fitting the simulator's optics to frames: the solver on looks that are linear, and on synthetic embryos."""

import numpy as np
import pytest

pytest.importorskip("lightning")

from blastoseg.errors import DataError
from blastoseg.model.card import load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.simulate import View, draw_frame
from blastoseg.simulate.optics_space import (
    AXES,
    DEVIATION,
    LEAST,
    MOST,
    any_point,
    at_the_wall,
    optics_at,
    point_at,
    values_at,
)
from blastoseg.training import optics_fit
from blastoseg.training.optics_fit import fit_optics, solve_for_looks

MIDDLE = (LEAST + MOST) / 2


def linear_looks(points: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    """Thirty looks that follow the points linearly."""
    model = np.random.default_rng(8).normal(size=(len(AXES), 30))
    looks = (points - MIDDLE) / DEVIATION @ model
    return np.asarray(looks + rng.normal(0, noise, looks.shape))


def test_where_looks_are_linear_the_point_of_the_frames_is_found() -> None:
    rng = np.random.default_rng(1)
    points = np.array([any_point(rng) for _ in range(400)])
    truth = MIDDLE + rng.uniform(-0.8, 0.8, len(AXES)) * DEVIATION
    frames = linear_looks(np.tile(truth, (50, 1)), rng, 0.1)
    found = solve_for_looks(points, linear_looks(points, rng, 0.1), frames, MIDDLE, spread=1.0)
    assert np.abs((found - truth) / DEVIATION).max() < 0.1


def test_looks_from_outside_the_space_give_a_point_on_its_wall() -> None:
    rng = np.random.default_rng(2)
    points = np.array([any_point(rng) for _ in range(400)])
    outside = np.where(np.arange(len(AXES)) == 3, MOST + 3 * DEVIATION, MIDDLE)
    frames = linear_looks(np.tile(outside, (50, 1)), rng, 0.1)
    found = solve_for_looks(points, linear_looks(points, rng, 0.1), frames, MIDDLE, spread=1.0)
    assert (found >= LEAST).all() and (found <= MOST).all()
    assert at_the_wall(found) == [AXES[3].name]


@pytest.mark.slow
def test_frames_with_bright_outlines_are_told_from_those_with_dark_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optics_fit, "ROUNDS", ((160, 1.0), (60, 0.6)))
    segmenter = Segmenter(load_card("synthetic"), "cpu", flips=False)
    found = {}
    for line in (-0.3, 0.5):
        point = point_at(values_at(MIDDLE) | {"line": line, "halo": 0.05, "noise": 0.01, "focus": 0.003})
        crops = []
        for seed in range(24):
            rng = np.random.default_rng([9, seed])
            view = View(256, 256, fill=(0.7, 0.9), kind="expanded", optics=optics_at(rng, point))
            crops.append(draw_frame(rng, view).image)
        found[line] = fit_optics(crops, segmenter, lambda _: None)
    assert found[-0.3]["line"] < 0 < found[0.5]["line"]
    assert set(found[0.5]) == {axis.name for axis in AXES}


def test_too_few_frames_that_show_all_tissues_are_no_lab() -> None:
    empty = [np.zeros((256, 256), np.uint8)] * 12
    segmenter = Segmenter(load_card("synthetic"), "cpu", flips=False)
    with pytest.raises(DataError, match="in 0 unlabelled frames of 12 all tissues are seen: 10 are needed"):
        fit_optics(empty, segmenter, lambda _: None)
