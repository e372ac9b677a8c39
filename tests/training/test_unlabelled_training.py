"""Whole trainings with unlabelled frames, from the command line to the weights, and their refusals."""

import csv
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning")
import tomli_w
import torch
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import ListCard, load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.tissues import INSIDE_OUT
from blastoseg.training import train_model
from blastoseg.training.labelled import read_splits
from blastoseg.training.module import NetworkModule
from blastoseg.training.recipe import Recipe
from blastoseg.training.trainer import TrainingPlan, train_network
from blastoseg.training.unlabelled import UnlabelledFrames

from .conftest import draw_phantom, labelled_recipe, write_labelled

pytestmark = pytest.mark.slow

COUNTS_EVERYTHING = {"batch_size": 2, "confidence": 0.01, "most_mended": 1.0, "least_blastocyst": 0.0}
"""The tests' networks are untrained: sure of nothing, and anatomically impossible."""


def recipe_content(model: Path, **unlabelled: Any) -> dict[str, Any]:
    content = labelled_recipe(model, ema_decay=0.9, epochs=None, steps=4)
    content["start_from"] = str(model)
    segmenter = content["segmenter"]
    del segmenter["network"], segmenter["input_size"]
    segmenter["data"] = {"kind": "synthetic", "seed": 1, "fill": [0.6, 0.9], "validation_images": 2}
    segmenter["augmentation"] |= {"fda": 0.02}
    segmenter["unlabelled"] = COUNTS_EVERYTHING | unlabelled
    return content


@pytest.fixture
def lab(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``night`` (three frames), and a locator that takes what is not bright for an embryo."""
    monkeypatch.chdir(tmp_path)
    for name in ("SCORED_IMAGES", "CALIBRATION_IMAGES"):
        monkeypatch.setattr(train_model, name, 2)
    monkeypatch.setattr(
        Segmenter, "locate_batch", lambda _, squares: (np.stack(squares) < 110).astype(np.float32)
    )
    (tmp_path / "night").mkdir()
    for seed in range(3):
        cv2.imwrite(str(tmp_path / "night" / f"e{seed}.png"), draw_phantom(seed)[0])
    return tmp_path


def command(*words: object) -> tuple[int, str]:
    answer = CliRunner().invoke(app, [str(word) for word in words])
    return answer.exit_code, answer.output.replace("\n", " ")


def write_recipe(folder: Path, content: dict[str, Any]) -> str:
    (folder / "tiny.toml").write_text(tomli_w.dumps(_without_none(content)))
    return "tiny.toml"


def _without_none(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    return {key: _without_none(value) for key, value in content.items() if value is not None}


def test_a_folder_of_frames_becomes_weights_without_any_label(lab: Path, tiny_model: Path) -> None:
    recipe = write_recipe(lab, recipe_content(tiny_model))
    code, said = command("train", "--unlabelled", "night", "--recipe", recipe, "--out", "mine")
    assert code == 0, said
    assert "unlabelled: 3 frames of 3 embryos" in said
    card = load_card(lab / "mine")
    assert card.name == "mine"
    assert (card.training.lists["unlabelled"].images, card.training.lists["unlabelled"].groups) == (3, 3)
    with (lab / "mine" / "curves.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "unlabelled"]
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    for row in rows:
        assert 0 < float(row["used_frac"]) <= 1
        assert sum(float(row[f"{tissue.key}_frac"]) for tissue in INSIDE_OUT) == pytest.approx(1)


def test_no_pixel_of_the_frames_is_written(lab: Path, tiny_model: Path) -> None:
    recipe = write_recipe(lab, recipe_content(tiny_model))
    assert command("train", "--unlabelled", "night", "--recipe", recipe, "--out", "mine")[0] == 0
    made = {path.name for folder in ("mine", "mine-training") for path in (lab / folder).rglob("*.*")}
    assert made == {
        *("weights.safetensors", "locator.safetensors", "card.toml", "recipe.toml"),
        *("curves.csv", "curves.png", "last.ckpt"),
    }
    content = torch.load(lab / "mine-training" / "tissues" / "last.ckpt", weights_only=True)
    assert {name for name, value in content.items() if "unlabelled" in name} == {"unlabelled"}
    assert set(content["unlabelled"]) == {"images", "groups", "sha256"}
    assert {name.partition(".")[0] for name in content["state_dict"]} == {"network", "average"}


def test_labelled_images_and_unlabelled_frames_go_together_under_any_recipe(
    lab: Path, tiny_model: Path
) -> None:
    write_labelled(lab / "data")
    content = labelled_recipe(tiny_model, ema_decay=0.9, epochs=1)
    del content["segmenter"]["network"], content["segmenter"]["input_size"]
    recipe = write_recipe(lab, content | {"start_from": str(tiny_model)})
    (lab / "second").mkdir()
    cv2.imwrite(str(lab / "second" / "e9.png"), draw_phantom(9)[0])
    nights = ("--unlabelled", "night", "--unlabelled", "second")
    code, said = command("train", "data", *nights, "--recipe", recipe, "--out", "mine")
    assert code == 0, said
    assert "unlabelled: 4 frames of 4 embryos" in said
    used = tomllib.loads((lab / "mine" / "recipe.toml").read_text())
    assert used["segmenter"]["unlabelled"]["confidence"] == 0.6
    assert {"train", "val", "test", "unlabelled"} == set(load_card(lab / "mine").training.lists)


def test_frames_need_weights_to_start_from(lab: Path, tiny_model: Path) -> None:
    content = recipe_content(tiny_model)
    del content["start_from"]
    content["segmenter"] |= {"network": {"base_channels": 6, "levels": 5}, "input_size": 64}
    recipe = write_recipe(lab, content)
    code, said = command("train", "--unlabelled", "night", "--recipe", recipe, "--out", "mine")
    assert code == 2
    assert "name them with --from" in said
    assert not (lab / "mine").exists()


def test_a_recipe_for_frames_asks_for_them(lab: Path, tiny_model: Path) -> None:
    recipe = write_recipe(lab, recipe_content(tiny_model))
    code, said = command("train", "--recipe", recipe, "--out", "mine")
    assert code == 2
    assert "--unlabelled DIR" in said


def test_labels_that_went_astray_end_the_training_without_weights(lab: Path, tiny_model: Path) -> None:
    recipe = write_recipe(lab, recipe_content(tiny_model, confidence=0.999, watched_steps=2))
    code, said = command("train", "--unlabelled", "night", "--recipe", recipe, "--out", "mine")
    assert code == 15
    assert "no pixel of the unlabelled frames was used" in said
    assert not (lab / "mine").exists()


def frames() -> UnlabelledFrames:
    crops = tuple(draw_phantom(seed)[0][16:80, 16:80] for seed in range(3))
    return UnlabelledFrames(crops, ListCard(images=3, groups=3, sha256="0"))


def trained(
    model: Path, work: Path, resume: bool = False, data: Path | None = None, **unlabelled: Any
) -> NetworkModule:
    """A training with frames beside synthetic images, or beside the labelled ones in ``data``."""
    content = recipe_content(model, **unlabelled)
    content["segmenter"] |= {"network": load_card(model).segmenter.config, "input_size": 64}
    if data is not None:
        content["segmenter"]["data"] = {"kind": "labelled"}
    recipe = Recipe.model_validate(content)
    splits = {
        name: read_splits(data, settings, None, work.parent / "lists")
        for name, settings in recipe.labelled_sources.items()
        if data is not None
    }
    plan = TrainingPlan(work, resume, checkpoint_steps=2, accelerator="cpu")
    return train_network(recipe, "tissues", plan, splits, frames())


def test_a_training_that_is_resumed_is_taught_the_same(
    tmp_path: Path, tiny_model: Path, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tiny_model, tmp_path / "whole", data=labelled)
    original = NetworkModule.training_step

    def failing(self: NetworkModule, batch: Any, index: int) -> Any:
        if self.global_step == 3:
            raise KeyError("killed")
        return original(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(NetworkModule, "training_step", failing)
        with pytest.raises(KeyError):
            trained(tiny_model, tmp_path / "killed", data=labelled)
    resumed = trained(tiny_model, tmp_path / "killed", resume=True, data=labelled)
    assert [row[0] for row in resumed.curves.unlabelled] == [1, 2, 3, 4]
    for curve in ("training", "unlabelled"):
        ours, theirs = (torch.tensor(getattr(fit.curves, curve)) for fit in (resumed, whole))
        torch.testing.assert_close(ours, theirs)


def test_the_teacher_follows_slowly_from_the_start(tmp_path: Path, tiny_model: Path) -> None:
    """Without frames the average first forgets its start; a teacher is what the training started from."""
    module = trained(tiny_model, tmp_path / "work")
    start = Segmenter(load_card(tiny_model), "cpu")._network.state_dict()
    name = next(name for name, value in module.network.named_parameters() if value.ndim == 4)
    moved = {
        key: float((network.state_dict()[name] - start[name]).norm())
        for key, network in (("student", module.network), ("teacher", module.best_network))
    }
    assert 0 < moved["teacher"] < moved["student"] / 2


def test_frames_change_what_is_learnt(tmp_path: Path, tiny_model: Path) -> None:
    losses = [
        trained(tiny_model, tmp_path / str(weight), weight=weight, ramp_up_steps=0).curves.training[0][1]
        for weight in (0.001, 1.0)
    ]
    assert losses[1] > losses[0] + 0.1
