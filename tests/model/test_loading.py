"""Models on disk: found, described, verified; every damage is named with its file."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from blastoseg.errors import WeightsError
from blastoseg.model.card import available_weights, load_card
from blastoseg.model.loading import load_locator, load_network, verify_weights


def rewritten(folder: Path, old: str, new: str) -> None:
    card = folder / "card.toml"
    text = card.read_text()
    assert old in text
    card.write_text(text.replace(old, new))


def rehashed(folder: Path, name: str, content: bytes) -> None:
    """Other content under a card that agrees with it."""
    file = folder / name
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(content)
    rewritten(folder, before, hashlib.sha256(content).hexdigest())


def test_a_whole_model_has_no_problems_and_loads(tiny_model: Path) -> None:
    assert verify_weights(tiny_model) == []
    card = load_card(tiny_model)
    assert card.name == "tiny"
    assert card.sha256 == hashlib.sha256((tiny_model / "weights.safetensors").read_bytes()).hexdigest()
    assert not load_network(card).training
    assert not load_locator(card).training


def test_an_unknown_name_is_answered_with_the_choices() -> None:
    with pytest.raises(WeightsError) as caught:
        load_card("startre")
    assert "startre" in str(caught.value)
    assert all(name in str(caught.value) for name in available_weights())


def test_a_single_flipped_bit_is_found(tiny_model: Path) -> None:
    file = tiny_model / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    (problem,) = verify_weights(tiny_model)
    assert "weights.safetensors" in problem
    assert "SHA-256" in problem


def test_a_truncated_file_is_named(tiny_model: Path) -> None:
    rehashed(tiny_model, "locator.safetensors", (tiny_model / "locator.safetensors").read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"locator\.safetensors: is no safetensors file or is cut short"):
        load_locator(load_card(tiny_model))


def test_a_pickle_in_place_of_the_weights_is_refused(tiny_model: Path) -> None:
    rehashed(
        tiny_model, "weights.safetensors", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins."
    )
    with pytest.raises(WeightsError, match="no safetensors file"):
        load_network(load_card(tiny_model))


def test_a_missing_file_is_named(tiny_model: Path) -> None:
    (tiny_model / "locator.safetensors").unlink()
    (problem,) = verify_weights(tiny_model)
    assert "locator.safetensors: is missing" in problem


def test_weights_of_another_width_do_not_fit(tiny_model: Path) -> None:
    rewritten(tiny_model, "base_channels = 6", "base_channels = 7")
    with pytest.raises(WeightsError, match="do not fit"):
        load_network(load_card(tiny_model))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "tiny"', "name = ", "not valid TOML"),
        ("input_size = 64", "input_size = 60", "segmenter.input_size"),
        ('version = "0"', 'version = "0"\nwidht = 3', "widht"),
        ('"i2cnet"', '"resnet"', "segmenter.architecture"),
    ],
)
def test_a_damaged_card_is_named_with_what_is_wrong(tiny_model: Path, old: str, new: str, named: str) -> None:
    rewritten(tiny_model, old, new)
    with pytest.raises(WeightsError) as caught:
        load_card(tiny_model)
    assert "card.toml" in str(caught.value)
    assert named in str(caught.value)


def test_an_unknown_architecture_is_answered_with_the_choices(tiny_model: Path) -> None:
    rewritten(tiny_model, '"i2cnet"', '"resnet"')
    with pytest.raises(WeightsError, match=r"segmenter\.architecture: unknown segmenter 'resnet'.*i2cnet"):
        load_card(tiny_model)


def test_the_sides_a_card_may_have_follow_from_its_network(tiny_model: Path) -> None:
    rewritten(tiny_model, "input_size = 64", "input_size = 208")
    with pytest.raises(WeightsError, match=r"segmenter\.input_size: 208 is no multiple of 32.* 192 or 224"):
        load_card(tiny_model)
    rewritten(tiny_model, "levels = 5", "levels = 4")
    assert load_card(tiny_model).segmenter.input_size == 208


def test_a_setting_that_the_network_has_not_is_named(tiny_model: Path) -> None:
    rewritten(tiny_model, "base_channels = 6", "base_chanels = 6")
    with pytest.raises(WeightsError, match=r"segmenter\.config: base_chanels"):
        load_card(tiny_model)


def test_a_locators_widths_may_stand_among_its_settings(tiny_model: Path) -> None:
    before = load_card(tiny_model).locator
    rewritten(tiny_model, "widths = [4, 8]", "config = { widths = [4, 8] }")
    assert load_card(tiny_model).locator == before


def test_the_fingerprint_holds_all_that_a_result_depends_on_and_nothing_else(tiny_model: Path) -> None:
    before = load_card(tiny_model).fingerprint
    rewritten(tiny_model, "untrained, for tests", "for tests")
    assert load_card(tiny_model).fingerprint == before
    rewritten(tiny_model, "threshold = 0.5", "threshold = 0.6")
    assert load_card(tiny_model).fingerprint != before


def test_another_class_order_is_refused(tiny_model: Path) -> None:
    order = 'classes = ["background", "icm", "te", "zp", "blastocoel"]'
    rewritten(tiny_model, "input_size = 64", f"input_size = 64\n{order}")
    with pytest.raises(WeightsError, match="in this order"):
        load_card(tiny_model)


def test_a_folder_without_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"card\.toml: is missing"):
        load_card(tmp_path)


def test_a_weights_file_in_place_of_its_folder_is_explained(tiny_model: Path) -> None:
    with pytest.raises(WeightsError, match="give the model folder"):
        load_card(tiny_model / "weights.safetensors")


def test_listing_models_does_not_load_torch() -> None:
    code = "import sys; from blastoseg.model.card import available_weights as names; names(); "
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _with_tensors(folder: Path, name: str, change) -> None:
    """The model with the tensors of one file changed, under a card that agrees with it."""
    from safetensors.torch import load, save

    tensors = load((folder / name).read_bytes())
    rehashed(folder, name, save({key: change(value) for key, value in tensors.items()}))


def _of_weights(change):
    return lambda tensor: change(tensor) if tensor.is_floating_point() else tensor


@pytest.mark.parametrize("name", ["weights.safetensors", "locator.safetensors"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor * float("nan"), "no finite number"),
        (lambda tensor: tensor / 0, "no finite number"),
        (lambda tensor: tensor * 1e30, "which is no weight"),
        (lambda tensor: tensor * 0, "every weight is zero"),
        (lambda tensor: tensor.char(), "is of type int8"),
    ],
)
def test_weights_that_cannot_be_weights_are_refused(tiny_model: Path, name: str, change, said: str) -> None:
    _with_tensors(tiny_model, name, _of_weights(change))
    load = load_network if name.startswith("weights") else load_locator
    with pytest.raises(WeightsError, match=said) as caught:
        load(load_card(tiny_model))
    assert name in str(caught.value)
    assert "copy the model folder again" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            'normalisation = "crop-mean-std"\nconfig',
            'temperature = 1e-300\nnormalisation = "crop-mean-std"\nconfig',
            "temperature",
        ),
        (
            'normalisation = "crop-mean-std"\nconfig',
            'temperature = inf\nnormalisation = "crop-mean-std"\nconfig',
            "temperature",
        ),
        ("input_size = 64", "input_size = 32", "segmenter.input_size"),
        ("input_size = 64", "input_size = 65536", "segmenter.input_size"),
        ("input_size = 32", "input_size = 16", "locator.input_size"),
        ("threshold = 0.5", "threshold = 1e-9", "locator.threshold"),
        ("hours = 0.0", "hours = inf", "training.hours"),
    ],
)
def test_numbers_of_a_card_are_bounded(tiny_model: Path, old: str, new: str, named: str) -> None:
    rewritten(tiny_model, old, new)
    with pytest.raises(WeightsError, match=named):
        load_card(tiny_model)


@pytest.mark.parametrize("content", ["a = " + "[" * 3000, "a = " + "9" * 5000])
def test_a_card_with_nesting_or_numbers_beyond_reading_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "card.toml").write_text(content)
    with pytest.raises(WeightsError, match=r"card\.toml"):
        load_card(tmp_path)
