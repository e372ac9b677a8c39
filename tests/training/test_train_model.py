"""A recipe becomes a model folder: reproducible synthetic images, resume, schedule, export."""

import os
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.errors import SettingsError, TrainingError, UsageError
from blastoseg.model.card import available_weights
from blastoseg.model.loading import verify_weights
from blastoseg.model.segmenter import Segmenter
from blastoseg.simulate import SimulatedFrame, View, draw_frame
from blastoseg.training import train_model as whole
from blastoseg.training.augmentation import augment
from blastoseg.training.data import SyntheticStream, to_tensors
from blastoseg.training.module import NetworkModule
from blastoseg.training.optimiser import learning_rate_factor
from blastoseg.training.recipe import Recipe, load_recipe, recipes_folder
from blastoseg.training.recipe_data import Augmentation, SyntheticData
from blastoseg.training.synthetic import synthetic_sample
from blastoseg.training.trainer import TrainingPlan, load_trained, train_network

pytestmark = pytest.mark.slow


def tiny_recipe(steps: int = 2, **optimisation: Any) -> Recipe:
    settings = {
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "schedule": "poly",
        "batch_size": 2,
        "steps": steps,
        "ema_decay": 0.5,
        **optimisation,
    }
    data = {"seed": 1, "fill": [0.6, 0.9], "validation_images": 2}
    return Recipe.model_validate(
        {
            "name": "tiny",
            "version": "0",
            "description": "d",
            "pixel_size": "any",
            "limits": ["untrained"],
            "data_description": "drawn",
            "seed": 1,
            "segmenter": {
                "input_size": 64,
                "network": {"base_channels": 5, "levels": 3, "features_before_pool": True},
                "data": data,
                "optimisation": settings,
            },
            "locator": {
                "input_size": 32,
                "network": {"widths": [4, 8]},
                "data": {**data, "scene": "mixed"},
                "optimisation": settings,
            },
        }
    )


def test_every_bundled_recipe_is_valid(tiny_model: Path) -> None:
    paths = list(recipes_folder().glob("*.toml"))
    assert {"finetune", "i2cnet-starter", "i2cnet-synthetic"} <= {path.stem for path in paths}
    for path in paths:
        start = tomllib.loads(path.read_text("utf-8")).get("start_from", "")
        # Weights that are not in this checkout are stood in for.
        load_recipe(path.stem, "" if start in ("", *available_weights()) else str(tiny_model))


def test_a_misspelt_key_in_a_recipe_is_named(tmp_path: Path) -> None:
    text = (recipes_folder() / "i2cnet-synthetic.toml").read_text()
    path = tmp_path / "mine.toml"
    path.write_text(text.replace("weight_decay", "wieght_decay"))
    with pytest.raises(SettingsError, match=r"mine\.toml.*wieght_decay"):
        load_recipe(path)
    with pytest.raises(SettingsError, match="i2cnet-synthetic"):
        load_recipe("i2cnet-syntetic")


def test_synthetic_image_number_i_depends_on_the_seed_and_i_only() -> None:
    data = tiny_recipe().segmenter.data
    first, again = synthetic_sample(data, 64, "tissues", 3), synthetic_sample(data, 64, "tissues", 3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.maps, again.maps)
    assert not np.array_equal(first.image, synthetic_sample(data, 64, "tissues", 4).image)


def test_extra_presets_get_their_share_of_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def draw(rng: np.random.Generator, view: View) -> SimulatedFrame:
        seen.append(view.preset)
        return draw_frame(rng, view)

    monkeypatch.setattr("blastoseg.training.synthetic.draw_frame", draw)
    data = SyntheticData(
        seed=1, fill=(0.6, 0.9), preset="dark", extra_presets={"clinic": 0.5, "hoffman": 0.2}
    )
    for index in range(200):
        synthetic_sample(data, 32, "tissues", index)
    assert abs(seen.count("clinic") - 100) < 25
    assert abs(seen.count("hoffman") - 40) < 20
    assert seen.count("dark") == 200 - seen.count("clinic") - seen.count("hoffman")


def test_a_stream_of_tissues_gives_class_channels_and_one_of_embryos_two_masks() -> None:
    recipe = tiny_recipe()
    image, channels = next(iter(SyntheticStream(recipe.segmenter, "tissues")))
    assert image.shape == (1, 64, 64)
    assert channels.shape == (64, 64)
    assert int(channels[0, 0]) in range(5)
    image, masks = next(iter(SyntheticStream(recipe.locator, "embryos")))
    assert image.shape == (1, 32, 32)
    assert masks.shape == (2, 32, 32)
    assert set(masks.unique().tolist()) <= {0, 1}


def test_with_a_second_size_the_steps_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tiny_recipe(steps=4)
    job = plain.segmenter.model_copy(update={"second_size": 32})
    recipe = plain.model_copy(update={"segmenter": job})
    original, sides = NetworkModule.loss, []

    def watched(self: NetworkModule, outputs: Any, truth: Any) -> Any:
        if self.trainer.training:
            sides.append((outputs[0].shape[-1], truth.shape[-1]))
        return original(self, outputs, truth)

    monkeypatch.setattr(NetworkModule, "loss", watched)
    train_network(recipe, "tissues", TrainingPlan(tmp_path / "work"))
    assert sides == [(64, 64), (32, 32)] * 2
    with pytest.raises(ValueError, match="segmenter only"):
        Recipe.model_validate(
            plain.model_dump() | {"locator": plain.locator.model_dump() | {"second_size": 32}}
        )


def test_the_label_background_becomes_the_last_channel() -> None:
    labels = np.array([[0, 1], [3, 4]], np.uint8)
    _, channels = to_tensors(np.ones((2, 2), np.float32), labels)
    assert channels.tolist() == [[4, 0], [2, 3]]


def test_the_negative_leaves_the_maps_as_they_are() -> None:
    image = np.random.default_rng(0).standard_normal((32, 32)).astype(np.float32)
    maps = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32)
    plain, plain_maps = augment(image, maps, Augmentation(), np.random.default_rng(5))
    negative, same_maps = augment(image, maps, Augmentation(invert=1.0), np.random.default_rng(5))
    assert (negative == -plain).all()
    assert (same_maps == plain_maps).all()


def test_augmentation_moves_image_and_labels_together() -> None:
    labels = np.zeros((48, 48), np.uint8)
    labels[8:20, 10:16] = 4
    settings = Augmentation(zoom=0.2, rotation_deg=180, shift=0.05)
    for seed in range(8):
        image, moved = augment(labels / np.float32(4), labels, settings, np.random.default_rng(seed))
        assert image.shape == moved.shape == (48, 48)
        assert ((image > 0.5) == (moved == 4)).mean() > 0.98


def test_the_learning_rate_falls_to_nothing_as_the_paper_says() -> None:
    settings = tiny_recipe().segmenter.optimisation
    assert learning_rate_factor(0, settings) == 1
    assert learning_rate_factor(0.5, settings) == pytest.approx(0.5**0.9)
    assert learning_rate_factor(1.5, settings) == 0


def test_a_recipe_becomes_a_model_that_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "SCORED_IMAGES", 3)
    monkeypatch.setattr(whole, "CALIBRATION_IMAGES", 2)
    plan = TrainingPlan(tmp_path / "work", accelerator="cpu")
    assert whole.train_model(tiny_recipe(), tmp_path / "model", plan, "locator") is None
    card = whole.train_model(tiny_recipe(), tmp_path / "model", plan, "segmenter")
    assert card is not None
    assert verify_weights(tmp_path / "model") == []
    assert card.training.steps == 2
    assert card.training.images == 4
    assert card.scores["synthetic"].images == 3
    answer = Segmenter(card, "cpu").segment_batch(np.zeros((1, 64, 64), np.uint8))
    assert answer.shape == (1, 5, 64, 64)


def test_weights_that_are_stored_as_float16_take_half_the_room_and_answer_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "SCORED_IMAGES", 1)
    monkeypatch.setattr(whole, "CALIBRATION_IMAGES", 1)
    recipe = tiny_recipe()
    plan = TrainingPlan(tmp_path / "work", accelerator="cpu")
    full = whole.train_model(recipe, tmp_path / "full", plan)
    segmenter = recipe.segmenter.model_copy(update={"stored": "float16"})
    half = whole.write_model(recipe.model_copy(update={"segmenter": segmenter}), tmp_path / "half", plan)
    assert full is not None
    assert verify_weights(tmp_path / "half") == []
    sizes = [(tmp_path / name / "weights.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    crops = np.random.default_rng(1).integers(0, 255, (2, 64, 64), np.uint8)
    answers = [Segmenter(card, "cpu").segment_batch(crops) for card in (full, half)]
    assert 0 < np.abs(answers[0] - answers[1]).max() < 2e-3


def test_a_fit_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    plan = TrainingPlan(tmp_path, accelerator="cpu")
    first = train_network(tiny_recipe(steps=2), "tissues", plan)
    stored = load_trained(tiny_recipe(), "tissues", plan)
    for name, value in first.best_network.state_dict().items():
        torch.testing.assert_close(stored.best_network.state_dict()[name], value)
    assert first.global_step == 2
    resumed = train_network(
        tiny_recipe(steps=5), "tissues", TrainingPlan(tmp_path, resume=True, accelerator="cpu")
    )
    assert resumed.global_step == 5


def test_resuming_without_a_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to resume"):
        train_network(tiny_recipe(), "tissues", TrainingPlan(tmp_path, resume=True))


def test_a_loss_that_is_no_number_ends_the_fit_with_advice(tmp_path: Path) -> None:
    recipe = tiny_recipe(steps=20, learning_rate=1e30)
    with pytest.raises(TrainingError, match="lower learning_rate"):
        train_network(recipe, "tissues", TrainingPlan(tmp_path, accelerator="cpu"))


def test_weights_of_another_network_are_refused_before_anything_is_trained(
    tmp_path: Path, tiny_model: Path
) -> None:
    recipe = tiny_recipe().model_copy(update={"start_from": str(tiny_model)})
    told: list[str] = []
    with pytest.raises(UsageError, match="is not the recipe"):
        whole.train_model(recipe, tmp_path / "model", TrainingPlan(tmp_path / "work", tell=told.append))
    assert told == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_another_user_can_read_a_model_folder_where_the_umask_says_so(
    umask: int, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "SCORED_IMAGES", 1)
    monkeypatch.setattr(whole, "CALIBRATION_IMAGES", 1)
    before = os.umask(umask)
    try:
        plan = TrainingPlan(tmp_path / "work", accelerator="cpu")
        whole.train_model(tiny_recipe(steps=1), tmp_path / "model", plan)
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 7
    assert {path.stat().st_mode & 0o777 for path in files} == {mode}
