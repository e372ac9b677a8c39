"""A model that no longer answers as it did when it was exported is refused."""

from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import WeightsError
from blastoseg.model.card import LOCATOR_FILE, SEGMENTER_FILE, available_weights, load_card, sha256_of
from blastoseg.model.loading import verify_weights
from blastoseg.model.reference import reference_crop, write_reference
from blastoseg.model.segmenter import Segmenter

pytestmark = pytest.mark.slow


def altered(folder: Path, name: str, change) -> None:
    """The model with the weights of one file changed, under a card that agrees with it."""
    from safetensors.torch import load, save

    file = folder / name
    before = sha256_of(file)
    tensors = load(file.read_bytes())
    file.write_bytes(
        save({key: change(value) if value.is_floating_point() else value for key, value in tensors.items()})
    )
    card = folder / "card.toml"
    card.write_text(card.read_text().replace(before, sha256_of(file)))


def test_the_crop_is_the_same_everywhere_and_scales_with_its_side() -> None:
    crop = reference_crop(64)
    assert crop.shape == (64, 64)
    assert crop.dtype == np.float32
    assert crop[32, 32] == pytest.approx(125, abs=10)
    assert crop.mean() == pytest.approx(reference_crop(256).mean(), abs=0.5)


@pytest.mark.parametrize("name", available_weights())
def test_every_bundled_model_answers_as_its_card_says(name: str) -> None:
    card = load_card(name)
    assert card.reference is not None
    answer = Segmenter(card, "cpu").reference_answer()
    assert answer.tissues == pytest.approx(card.reference.tissues, abs=0.003)
    assert answer.embryo == pytest.approx(card.reference.embryo, abs=0.003)


def test_a_model_with_its_answer_in_the_card_loads(tiny_model: Path) -> None:
    write_reference(tiny_model)
    assert load_card(tiny_model).reference is not None
    Segmenter(load_card(tiny_model), "cpu")
    assert verify_weights(tiny_model) == []


def test_a_model_that_answers_otherwise_is_refused_with_what_to_do(tiny_model: Path) -> None:
    write_reference(tiny_model)
    altered(tiny_model, SEGMENTER_FILE, lambda weights: weights.flip(0) * 3)
    with pytest.raises(WeightsError, match="answers otherwise than when it was exported") as caught:
        Segmenter(load_card(tiny_model), "cpu")
    assert "copy the model folder again" in str(caught.value)
    (problem,) = verify_weights(tiny_model)
    assert "answers otherwise" in problem


def test_the_locators_answer_is_checked_too(tiny_model: Path) -> None:
    write_reference(tiny_model)
    reference = load_card(tiny_model).reference
    assert reference is not None
    card = tiny_model / "card.toml"
    other = f"embryo = {(reference.embryo + 0.1) % 1:.4f}"
    card.write_text(card.read_text().replace(f"embryo = {reference.embryo}", other))
    with pytest.raises(WeightsError, match="mean probability of embryo"):
        Segmenter(load_card(tiny_model), "cpu")


def test_another_temperature_is_another_answer(tiny_model: Path) -> None:
    write_reference(tiny_model)
    card = tiny_model / "card.toml"
    card.write_text(card.read_text().replace("input_size = 64", "input_size = 64\ntemperature = 0.05"))
    with pytest.raises(WeightsError, match="answers otherwise"):
        Segmenter(load_card(tiny_model), "cpu")


@pytest.mark.parametrize("name", [SEGMENTER_FILE, LOCATOR_FILE])
def test_a_model_that_says_the_same_of_every_pixel_is_dead_also_without_an_answer(
    tiny_model: Path, name: str
) -> None:
    altered(tiny_model, name, lambda weights: weights * 1e-20 if weights.ndim > 1 else weights * 0)
    with pytest.raises(WeightsError, match=r"dead|no number"):
        Segmenter(load_card(tiny_model), "cpu")


def test_an_answer_is_not_written_over(tiny_model: Path) -> None:
    write_reference(tiny_model)
    with pytest.raises(WeightsError, match="has the answer already"):
        write_reference(tiny_model)
