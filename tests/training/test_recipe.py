"""A recipe is checked when it is read: what a card will demand is found before any training."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import tomli_w

from blastoseg.errors import SettingsError
from blastoseg.training.recipe import Recipe, load_recipe
from tests.training.conftest import labelled_recipe


def written(folder: Path, **segmenter: Any) -> Path:
    """A recipe file; ``segmenter`` replaces keys of that section, None removes one."""
    content = labelled_recipe("starter")
    content["segmenter"] |= segmenter
    content["segmenter"] = {key: value for key, value in content["segmenter"].items() if value is not None}
    path = folder / "mine.toml"
    path.write_text(tomli_w.dumps(content))
    return path


FIVE_LEVELS = {"base_channels": 5, "levels": 5, "features_before_pool": True}


@pytest.mark.parametrize(
    ("segmenter", "said"),
    [
        (
            {"input_size": 208, "network": FIVE_LEVELS},
            r"segmenter\.input_size: 208 is no multiple of 32.*224",
        ),
        ({"second_size": 60}, r"segmenter\.second_size: 60 is no multiple of 8"),
        ({"architecture": "resnet"}, r"segmenter\.architecture: unknown segmenter 'resnet'.*i2cnet"),
        ({"network": {"base_chanels": 5}}, r"segmenter\.network: base_chanels"),
        ({"network": {"base_channels": 4}}, r"segmenter\.network: base_channels 4"),
        ({"network": {"classes": 4}}, r"segmenter\.network: classes"),
        ({"loss": {"level_weights": [1.0, 1.0]}}, r"segmenter\.loss\.level_weights: 2 weights.*3 logit maps"),
        ({"loss": {"class_weights": [1.0, 1.0]}}, r"segmenter\.loss\.class_weights: 2 weights for 5 classes"),
        ({"optimisation": None}, r"segmenter\.optimisation: Field required"),
    ],
)
def test_what_a_card_would_refuse_is_refused_with_its_key(
    tmp_path: Path, segmenter: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=r"mine\.toml: " + said):
        load_recipe(written(tmp_path, **segmenter))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"preset": "hofman"}, "unknown optics preset 'hofman': choose from mixed, hoffman"),
        ({"extra_presets": {"clinics": 0.1}}, "unknown optics preset 'clinics'"),
        ({"extra_kinds": {"cleaving": 0.1}}, "unknown kind of embryo 'cleaving': .* or cleavage"),
    ],
)
def test_what_cannot_be_drawn_is_answered_with_the_choices_when_it_is_read(
    tmp_path: Path, named: dict[str, Any], said: str
) -> None:
    data = {"kind": "synthetic", "seed": 1, "fill": [0.6, 0.9]} | named
    with pytest.raises(SettingsError, match=r"mine\.toml: segmenter\.data.*" + said):
        load_recipe(written(tmp_path, data=data))


def test_four_levels_take_an_input_of_208_in_the_recipe_as_in_the_card(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, input_size=208, network=FIVE_LEVELS | {"levels": 4}))
    assert recipe.segmenter.configuration.input_multiple == 16


def test_a_recipe_that_names_no_architecture_is_an_i2cnet(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path)).segmenter.architecture == "i2cnet"


def test_a_missing_section_is_named_even_where_the_length_is_changed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"segmenter\.optimisation: Field required"):
        load_recipe(written(tmp_path, optimisation=None), epochs=3)


def test_a_length_in_steps_cannot_become_one_in_epochs(tmp_path: Path) -> None:
    optimisation = labelled_recipe("starter")["segmenter"]["optimisation"]
    del optimisation["epochs"]
    path = written(tmp_path, optimisation=optimisation | {"steps": 4})
    with pytest.raises(SettingsError, match=r"segmenter\.optimisation\.steps.*not in epochs"):
        load_recipe(path, epochs=3)


def test_what_is_wrong_with_a_locator_is_named_by_its_key(tmp_path: Path) -> None:
    content = labelled_recipe("starter")
    job = content["segmenter"] | {"network": {"widths": [4, 8, 16]}, "input_size": 30, "second_size": 32}
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(content | {"locator": job}))
    with pytest.raises(SettingsError, match=r"locator\.input_size: 30 is no .*locator\.second_size: is for"):
        load_recipe(path)


def test_a_model_name_that_a_card_cannot_bear_is_refused(tmp_path: Path) -> None:
    content = labelled_recipe("starter") | {"name": "My Model"}
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(content))
    with pytest.raises(SettingsError, match=r"mine\.toml: name: "):
        load_recipe(tmp_path / "mine.toml")


def test_a_recipe_says_the_same_after_it_was_written_and_read(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path))
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


@pytest.mark.parametrize("content", ["a = " + "[" * 3000, "a = " + "9" * 5000])
def test_a_recipe_with_nesting_or_numbers_beyond_reading_is_named(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"mine\.toml"):
        load_recipe(str(path))


def test_a_gpu_gets_as_many_workers_as_there_are_cores_where_their_number_changes_nothing(tmp_path) -> None:
    content = labelled_recipe("starter")
    content["segmenter"]["optimisation"]["workers"] = "auto"
    settings = Recipe.model_validate(content).segmenter.optimisation
    assert [settings.workers_here(cores, is_gpu=True) for cores in (1, 2, 6, 64)] == [1, 1, 5, 8]
    assert settings.workers_here(64, is_gpu=False) == 1
    del content["segmenter"]["optimisation"]["epochs"]
    content["segmenter"]["optimisation"]["steps"] = 2
    content["segmenter"]["data"] = {"kind": "synthetic", "seed": 1, "fill": [0.6, 0.9]}
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(content))
    with pytest.raises(SettingsError, match="depend on the number of workers"):
        load_recipe(tmp_path / "mine.toml")
