"""A recipe may fill a network, or its encoder, from a file of tensors whose names and shapes fit."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import tomli_w
import torch
from safetensors.torch import save_file

from blastoseg.errors import SettingsError, UsageError
from blastoseg.training.pretrained import load_tensors
from blastoseg.training.recipe import load_recipe
from tests.training.conftest import labelled_recipe


def recipe_from(folder: Path, pretrained: Path, **content: Any) -> Path:
    recipe = labelled_recipe("none") | content
    if pretrained.name:
        recipe["segmenter"]["pretrained"] = str(pretrained)
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(recipe))
    return path


def test_an_encoder_is_filled_from_a_file_and_the_rest_is_left(tmp_path: Path) -> None:
    file = tmp_path / "encoder.safetensors"
    torch.manual_seed(1)
    network = load_recipe(recipe_from(tmp_path, Path())).segmenter.configuration.build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    encoder = {name: value + 1 for name, value in before.items() if name.startswith("encoder.")}
    save_file(encoder, file)
    assert load_recipe(recipe_from(tmp_path, file)).segmenter.pretrained == str(file)
    load_tensors(network, file)
    for name, value in network.state_dict().items():
        assert torch.equal(value, encoder.get(name, before[name])), name


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"conv1.weight": (64, 3, 7, 7)}, "conv1.weight, which this network does not have"),
        (
            {"encoder.blocks.0.0.weight": (5, 3, 3, 3)},
            r"has shape \[5, 3, 3, 3\], the network's \[5, 1, 3, 3\]",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused_when_the_recipe_is_read(
    tmp_path: Path, tensors: dict[str, tuple[int, ...]], problem: str
) -> None:
    file = tmp_path / "resnet.safetensors"
    save_file({name: torch.zeros(shape) for name, shape in tensors.items()}, file)
    with pytest.raises(SettingsError, match=problem):
        load_recipe(recipe_from(tmp_path, file))


def test_a_missing_file_and_a_second_start_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read as safetensors"):
        load_recipe(recipe_from(tmp_path, tmp_path / "none.safetensors"))
    with pytest.raises(SettingsError, match="either start_from"):
        load_recipe(recipe_from(tmp_path, tmp_path / "none.safetensors", start_from="starter"))


def test_what_is_no_number_is_no_weight(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    network = torch.nn.Linear(2, 1)
    save_file({"bias": torch.tensor([torch.nan])}, file)
    with pytest.raises(UsageError, match="bias: holds what is no finite number"):
        load_tensors(network, file)
