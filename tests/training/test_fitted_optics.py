"""Optics fitted to a training's frames: where they go, and that a resumed training keeps them."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning")

from blastoseg.errors import TrainingError, UsageError
from blastoseg.model.card import ListCard
from blastoseg.records import Image
from blastoseg.simulate.optics_space import LEAST, MOST, values_at
from blastoseg.training import fitted_optics
from blastoseg.training.fitted_optics import FITTED_FILE, with_fitted_optics
from blastoseg.training.recipe import Recipe
from blastoseg.training.recipe_data import MixedData, SyntheticData
from blastoseg.training.synthetic import synthetic_sample
from blastoseg.training.trainer import TrainingPlan
from blastoseg.training.unlabelled import UnlabelledFrames

from .conftest import labelled_recipe

FITTED = values_at((LEAST + MOST) / 2)
FRAMES = UnlabelledFrames((np.zeros((64, 64), np.uint8),), ListCard(images=1, groups=1, sha256="0"))
DRAWN: dict[str, Any] = {"kind": "synthetic", "seed": 1, "fill": [0.6, 0.9], "fitted_share": 0.5}


def recipe_with(data: dict[str, Any], model: Path) -> Recipe:
    content = labelled_recipe(model, ema_decay=0.9, epochs=None, steps=2)
    content["start_from"] = str(model)
    content["segmenter"] |= {"data": data, "unlabelled": {}}
    return Recipe.model_validate(content)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the fits, each of which gives FITTED."""
    counted: list[int] = []

    def fit(crops: tuple[Image, ...], *_: object) -> dict[str, float]:
        counted.append(len(crops))
        return FITTED

    monkeypatch.setattr(fitted_optics, "fit_optics", fit)
    return counted


def test_what_is_fitted_stands_in_the_recipe_and_holds_for_a_resumed_training(
    tmp_path: Path, tiny_model: Path, fits: list[int]
) -> None:
    recipe = recipe_with(DRAWN, tiny_model)
    plan = TrainingPlan(tmp_path / "work", accelerator="cpu")
    begun = with_fitted_optics(recipe, plan, FRAMES)
    assert isinstance(begun.segmenter.data, SyntheticData)
    assert begun.segmenter.data.fitted == FITTED
    assert Recipe.model_validate(begun.model_dump(mode="json")) == begun
    assert with_fitted_optics(recipe, replace(plan, resume=True), FRAMES) == begun
    assert with_fitted_optics(recipe, plan, None) == begun  # an export
    assert fits == [1]
    assert with_fitted_optics(recipe, plan, FRAMES) == begun
    assert fits == [1, 1]
    assert tomllib.loads((tmp_path / "work" / FITTED_FILE).read_text()) == FITTED


def test_only_the_sources_that_ask_for_it_are_fitted(
    tmp_path: Path, tiny_model: Path, fits: list[int]
) -> None:
    plain = {key: value for key, value in DRAWN.items() if key != "fitted_share"}
    sources = [
        {"name": "plain", "share": 0.5, "data": plain},
        {"name": "alike", "share": 0.5, "data": DRAWN},
    ]
    plan = TrainingPlan(tmp_path / "work", accelerator="cpu")
    data = with_fitted_optics(
        recipe_with({"kind": "mixed", "sources": sources}, tiny_model), plan, FRAMES
    ).segmenter.data
    assert isinstance(data, MixedData)
    assert [getattr(source.data, "fitted", None) for source in data.sources] == [{}, FITTED]
    nothing = recipe_with(plain, tiny_model)
    assert with_fitted_optics(nothing, plan, FRAMES) is nothing
    assert fits == [1]


def test_what_was_fitted_is_asked_for_where_it_is_missing_and_named_where_it_is_damaged(
    tmp_path: Path, tiny_model: Path
) -> None:
    recipe, plan = recipe_with(DRAWN, tiny_model), TrainingPlan(tmp_path, accelerator="cpu")
    with pytest.raises(UsageError, match=r"optics\.toml: is missing.*--unlabelled"):
        with_fitted_optics(recipe, plan, None)
    for content in ("relief = 0.3", "relief = ", "relief = 'much'"):
        (tmp_path / FITTED_FILE).write_text(content)
        with pytest.raises(TrainingError, match=r"optics\.toml: cannot be used"):
            with_fitted_optics(recipe, plan, None)


def test_images_are_drawn_near_what_was_fitted() -> None:
    calm, noisy = (
        SyntheticData(**DRAWN | {"fitted_share": 1.0, "fitted": FITTED | {"noise": noise}})
        for noise in (0.003, 0.08)
    )
    steps = [
        np.median(
            [
                np.abs(np.diff(synthetic_sample(data, 96, "tissues", index).image.astype(float))).mean()
                for index in range(12)
            ]
        )
        for data in (calm, noisy)
    ]
    assert steps[1] > 1.5 * steps[0]


def test_a_share_without_frames_or_values_is_refused(tiny_model: Path) -> None:
    content = labelled_recipe(tiny_model, ema_decay=0.9, epochs=None, steps=2)
    for data, said in (
        (DRAWN, r"data\.fitted_share is for unlabelled frames: give data\.fitted"),
        (DRAWN | {"fitted": {"relief": 0.3}}, "optics are given by a value for each of relief, line"),
    ):
        content["segmenter"]["data"] = data
        with pytest.raises(ValueError, match=said):
            Recipe.model_validate(content)
    content["segmenter"]["data"] = DRAWN | {"fitted": FITTED}
    assert not Recipe.model_validate(content).segmenter.fits_optics
