"""bfloat16 where it is computed natively, float32 where it would be imitated."""

from typing import Any

import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.training.precision import precision_here
from blastoseg.training.recipe import Recipe, load_recipe
from blastoseg.training.recipe_optimisation import Precision
from blastoseg.training.trainer import TrainingPlan, train_network

from .test_train_model import tiny_recipe


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
        ({"avx512_bf16": False, "avx512_f": True}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_a_processor_without_bf16_instructions_trains_in_float32(
    capabilities: dict[str, bool], expected: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert precision_here("auto", on_gpu=False) == expected


def test_a_gpu_that_only_imitates_bf16_trains_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_it, expected in ((True, "bf16-mixed"), (False, "32-true")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, it=has_it: it)
        assert precision_here("auto", on_gpu=True) == expected


def test_what_a_recipe_names_is_kept() -> None:
    assert precision_here("16-mixed", on_gpu=False) == "16-mixed"


@pytest.mark.parametrize("has_bf16", [True, False])
def test_a_training_says_which_precision_it_takes(
    has_bf16: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has_bf16})
    told: list[str] = []
    recipe: Recipe = tiny_recipe(precision="auto")
    module = train_network(recipe, "tissues", TrainingPlan(tmp_path, accelerator="cpu", tell=told.append))
    assert module.trainer.precision == ("bf16-mixed" if has_bf16 else "32-true")
    assert told == [f"precision of this machine: {module.trainer.precision}"]


def test_fine_tuning_leaves_the_precision_to_the_machine(tiny_model: Any) -> None:
    recipe = load_recipe("finetune", str(tiny_model))
    assert recipe.segmenter.optimisation.precision == "auto"
