"""The training benchmark compares like with like."""

import sys

import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.bench import training as bench
from blastoseg.errors import EnvironmentProblemError
from blastoseg.model.architectures.encoder import count_parameters
from blastoseg.training.recipe import Recipe
from tests.training.conftest import labelled_recipe

pytestmark = pytest.mark.slow


def recipe() -> Recipe:
    content = labelled_recipe("none")
    content["segmenter"]["network"] = {"base_channels": 6, "levels": 5, "features_before_pool": True}
    return Recipe.model_validate(content)


def test_the_peers_have_the_width_of_the_recipes_network_and_answer_at_the_inputs_size() -> None:
    pytest.importorskip("monai")
    job = recipe().segmenter
    ours = count_parameters(job.configuration.build())
    for network in bench.monai_networks(job).values():
        assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 5, 64, 64)
        assert 0.7 < count_parameters(network) / ours < 2


def test_every_step_and_the_loader_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("monai")
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "DRAWN_SAMPLES", 2)
    speeds = bench.time_training(recipe(), "cpu")
    assert [speed.name.partition(",")[0] for speed in speeds] == [
        "loader of labelled images",
        "i2cnet step",
        "MONAI BasicUNet step",
        "MONAI AttentionUnet step",
    ]
    assert all(speed.images_per_s > 0 for speed in speeds)


def test_without_monai_the_benchmark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "monai"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "monai", None)
    with pytest.raises(EnvironmentProblemError, match=r"pip install 'blastoseg\[networks\]'"):
        bench.time_training(recipe(), "cpu")
