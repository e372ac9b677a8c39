"""What every segmenter of the registry must do; a new one is tested by being registered."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.errors import EnvironmentProblemError
from blastoseg.model.architectures.configuration import SegmenterConfiguration
from blastoseg.model.architectures.registry import LOCATORS, SEGMENTERS
from blastoseg.model.card import CLASSES, load_card
from blastoseg.model.loading import verify_weights
from blastoseg.model.onnx_network import OnnxNetwork
from blastoseg.model.segmenter import Segmenter
from blastoseg.model.standardisation import standardise
from blastoseg.training.export import TrainedModel, export_model, locator_card
from blastoseg.training.loss import segmentation_loss
from blastoseg.training.recipe import LocatorJob, Recipe
from blastoseg.training.recipe_optimisation import LossTerms
from tests.training.conftest import labelled_recipe, one_thread

SMALLEST_SIDE = 64
SMALLER: dict[str, dict[str, Any]] = {"i2cnet": {"base_channels": 6}, "unet": {}}
"""Settings that make a network quick to test; without any it is tested at the width that is for CPUs."""
K = len(CLASSES)
__all__ = ["one_thread"]


def settings_of(name: str) -> dict[str, Any]:
    return SMALLER.get(name, SEGMENTERS.described(name).settings_at("small", SMALLEST_SIDE))


def smallest_side(configuration: SegmenterConfiguration) -> int:
    for side in (SMALLEST_SIDE, 2 * SMALLEST_SIDE):
        try:
            configuration.check_side(side)
        except ValueError:
            continue
        return side
    raise AssertionError(f"{configuration} takes neither side")


class Case:
    """One network of the registry, with weights and statistics that are not neutral."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.settings = settings_of(name)
        self.configuration = SEGMENTERS.configure(name, self.settings)
        torch.manual_seed(5)
        try:
            self.network = self.configuration.build()
        except EnvironmentProblemError as error:
            pytest.skip(str(error))
        self.side = smallest_side(self.configuration)
        for part in self.network.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(part.running_mean, -0.5, 0.5)
                torch.nn.init.uniform_(part.running_var, 0.5, 2)

    def images(self, count: int = 2) -> torch.Tensor:
        return torch.randn(count, 1, self.side, self.side, generator=torch.Generator().manual_seed(1))


QUICK = ("i2cnet", "unet")


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SEGMENTERS]
)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


@torch.no_grad()
def test_the_maps_have_five_classes_and_stand_finest_first(case: Case) -> None:
    network = case.network.eval()
    wide = torch.zeros(2, 1, case.side, 2 * case.side)
    maps = network(wide)
    assert isinstance(maps, list)
    assert all(logits.shape[:2] == (2, K) for logits in maps)
    heights = [logits.shape[2] for logits in maps]
    assert heights == sorted(heights, reverse=True)
    assert network.predict(wide).shape == (2, K, *wide.shape[2:])


def test_the_gradient_reaches_every_parameter(case: Case) -> None:
    maps = case.network.train()(case.images())
    truth = torch.randint(0, K, (2, case.side, case.side), generator=torch.Generator().manual_seed(2))
    segmentation_loss(maps, truth, LossTerms()).backward()
    for name, parameter in case.network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_a_step_of_training_lowers_the_loss(case: Case) -> None:
    network, images = case.network.train(), case.images()
    truth = (images[:, 0] > 0).long() * (K - 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        loss = segmentation_loss(network(images), truth, LossTerms())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@torch.no_grad()
def test_prepared_for_prediction_it_computes_the_same(case: Case) -> None:
    images = case.images()
    plain = case.network.eval().predict(images)
    prepared = case.configuration.prepare(case.network)
    # Maps that multiply each other are large in a network that is not trained.
    rounding = 1e-4 * max(1.0, float(plain.abs().max()))
    torch.testing.assert_close(prepared.predict(images), plain, atol=rounding, rtol=1e-4)


@torch.no_grad()
def test_a_side_it_cannot_take_is_refused_with_the_size_to_pad_to(case: Case) -> None:
    multiple = case.configuration.input_multiple
    assert case.network.input_multiple == multiple
    for network in (case.network.predict, case.configuration.prepare(case.network).predict):
        with pytest.raises(ValueError, match=f"pad it to {2 * multiple}x{2 * multiple}"):
            network(torch.zeros(1, 1, 2 * multiple, multiple + 1))
    with pytest.raises(ValueError, match=f"no multiple of {multiple}"):
        case.configuration.check_side(multiple + 1)


def test_it_takes_no_number_of_classes_but_the_tissues(case: Case) -> None:
    with pytest.raises(ValueError, match="classes"):
        SEGMENTERS.configure(case.name, {"classes": K - 1})


@torch.no_grad()
def test_saved_in_a_model_folder_it_gives_the_same_labels(case: Case, tmp_path: Path) -> None:
    recipe = recipe_of(case)
    assert isinstance(recipe.locator, LocatorJob)
    model = TrainedModel(
        name="tiny",
        recipe=recipe,
        segmenter=case.network,
        locator=recipe.locator.configuration.build(),
        locator_card=locator_card(recipe.locator),
        steps=0,
        images=0,
        locator_images=0,
        hours=0.0,
    )
    export_model(model, tmp_path)
    assert verify_weights(tmp_path) == []
    card = load_card(tmp_path)
    assert card.segmenter.architecture == case.name
    assert card.segmenter.classes == CLASSES
    crops = [image[0].numpy() for image in case.images(3)]
    prepared = torch.from_numpy(np.stack([standardise(crop) for crop in crops]))[:, None]
    expected = case.network.eval().predict(prepared).argmax(dim=1)
    answer = Segmenter(card, "cpu").segment_batch(crops)
    np.testing.assert_array_equal(answer.argmax(axis=1), expected.numpy())


def recipe_of(case: Case) -> Recipe:
    content = labelled_recipe("none")
    segmenter = {"architecture": case.name, "network": case.settings, "input_size": case.side}
    locator = {"architecture": "unet", "network": {"widths": [4, 8]}, "input_size": 32}
    fitted = content["segmenter"]
    return Recipe.model_validate(content | {"segmenter": fitted | segmenter, "locator": fitted | locator})


def test_an_unknown_name_is_answered_with_the_choices() -> None:
    with pytest.raises(ValueError, match=f"'resnet': choose one of {', '.join(SEGMENTERS)}"):
        SEGMENTERS.configure("resnet", {})
    with pytest.raises(ValueError, match=f"'i2cnet': choose one of {', '.join(LOCATORS)}"):
        LOCATORS.configure("i2cnet", {})


def test_names_settings_and_multiples_are_read_without_torch() -> None:
    code = (
        "import sys; from blastoseg.model.architectures.registry import LOCATORS, SEGMENTERS\n"
        "for kind in (SEGMENTERS, LOCATORS):\n"
        "    for name in kind: kind.configure(name, {}).input_multiple\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_onnx_runtime_computes_what_torch_does(case: Case) -> None:
    pytest.importorskip("onnxruntime")
    network = case.configuration.prepare(case.network.eval())
    # It holds its answer against the network's own, and refuses one that differs.
    answer = OnnxNetwork(network, [case.side])(case.images())
    assert answer.shape == (2, K, case.side, case.side)
