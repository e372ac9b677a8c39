"""A killed training goes on to the same losses; one that cannot go on says so and keeps what it has."""

import errno
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.errors import TrainingError, UsageError
from blastoseg.model.loading import verify_weights
from blastoseg.training import checkpoints, export
from blastoseg.training.inputs import DataFolders, Splits
from blastoseg.training.labelled import read_splits
from blastoseg.training.module import NetworkModule
from blastoseg.training.recipe import Recipe
from blastoseg.training.train_model import train_model
from blastoseg.training.trainer import TrainingPlan, train_network

from .conftest import labelled_recipe

pytestmark = pytest.mark.slow


def plan_in(folder: Path, resume: bool = False) -> TrainingPlan:
    return TrainingPlan(folder, resume, checkpoint_steps=3, accelerator="cpu")


def recipe_of(model: Path, **optimisation: Any) -> Recipe:
    settings = {"epochs": None, "steps": 6, "accumulate": 2, "ema_decay": 0.5, **optimisation}
    return Recipe.model_validate(labelled_recipe(model, **settings))


@pytest.fixture
def splits(labelled: Path, tmp_path: Path, tiny_model: Path) -> Splits:
    data = recipe_of(tiny_model).segmenter.data
    return {"labelled": read_splits(labelled, data, None, tmp_path / "lists")}  # type: ignore[arg-type]


def interrupt(monkeypatch: pytest.MonkeyPatch, step: int, error: Exception) -> None:
    """Let the training step ``step`` (from 0) end in an error, as a kill or a full memory does."""
    original = NetworkModule.training_step

    def failing(self: NetworkModule, batch: Any, index: int) -> Any:
        if self.global_step == step:
            raise error
        return original(self, batch, index)

    monkeypatch.setattr(NetworkModule, "training_step", failing)


def test_a_killed_fit_goes_on_to_the_same_losses_and_weights(
    tmp_path: Path, tiny_model: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(tiny_model)
    whole = train_network(recipe, "tissues", plan_in(tmp_path / "whole"), splits)
    with monkeypatch.context() as patch:
        interrupt(patch, 4, KeyError("killed"))
        with pytest.raises(KeyError):
            train_network(recipe, "tissues", plan_in(tmp_path / "killed"), splits)
    resumed = train_network(recipe, "tissues", plan_in(tmp_path / "killed", resume=True), splits)
    assert [step for step, _ in resumed.curves.training] == [1, 2, 3, 4, 5, 6]
    for curve in (lambda fit: fit.curves.training, lambda fit: fit.curves.validation["labelled"]):
        ours, theirs = (torch.tensor(curve(fit)) for fit in (resumed, whole))
        torch.testing.assert_close(ours, theirs)
    for name, value in whole.best_network.state_dict().items():
        torch.testing.assert_close(resumed.best_network.state_dict()[name], value)


def test_memory_that_is_full_is_said_with_the_way_out_and_the_last_checkpoint_is_kept(
    tmp_path: Path, tiny_model: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path / "work")
    interrupt(monkeypatch, 4, torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    with pytest.raises(TrainingError, match=r"out of memory.*batches of 2.*halve batch_size") as caught:
        train_network(recipe_of(tiny_model), "tissues", plan, splits)
    assert caught.value.exit_code == 12
    assert checkpoints.read_checkpoint(plan.checkpoint("tissues"))["global_step"] == 3


def test_a_loss_that_becomes_nan_leaves_the_last_good_checkpoint(
    tmp_path: Path, tiny_model: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path / "work")
    original = NetworkModule.loss
    monkeypatch.setattr(
        NetworkModule,
        "loss",
        lambda self, *given: original(self, *given) * (float("nan") if self.global_step == 4 else 1),
    )
    with pytest.raises(TrainingError, match=r"not a number at step 4.*--resume"):
        train_network(recipe_of(tiny_model), "tissues", plan, splits)
    kept = checkpoints.read_checkpoint(plan.checkpoint("tissues"))
    assert kept["global_step"] == 3
    assert all(torch.isfinite(value).all() for value in kept["state_dict"].values())


def test_weights_that_became_nan_are_never_saved_over_good_ones(
    tmp_path: Path, tiny_model: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path / "work")

    def spoil(self: NetworkModule, *_: object) -> None:
        if self.global_step == 5:
            next(self.network.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(NetworkModule, "on_before_zero_grad", spoil)
    monkeypatch.setattr(NetworkModule, "training_step", _blind(NetworkModule.training_step))
    with pytest.raises(TrainingError, match="some weight is not a number"):
        train_network(recipe_of(tiny_model), "tissues", plan, splits)
    assert checkpoints.read_checkpoint(plan.checkpoint("tissues"))["global_step"] == 3


def _blind(step: Any) -> Any:
    """A training step that does not see a loss that is no number."""

    def blind(self: NetworkModule, batch: Any, index: int) -> Any:
        image, truth = batch
        loss = self.loss(self.network(image), truth)
        self._losses.append(1.0)
        return loss

    return blind


class FullDisk:
    """Stands in for a writer once ``after`` files were written."""

    def __init__(self, real: Any, after: int) -> None:
        self.real, self.left = real, after

    def __call__(self, content: Any, path: Path) -> None:
        self.real(content, path)
        self.left -= 1
        if self.left < 0:
            with Path(path).open("r+b") as file:
                file.truncate(100)
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_a_checkpoint_leaves_the_one_before(
    tmp_path: Path, tiny_model: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_in(tmp_path / "work")
    monkeypatch.setattr(torch, "save", FullDisk(torch.save, after=1))
    with pytest.raises(TrainingError, match=r"last\.ckpt: cannot be saved \(No space left.*--resume"):
        train_network(recipe_of(tiny_model), "tissues", plan, splits)
    assert checkpoints.read_checkpoint(plan.checkpoint("tissues"))["global_step"] == 3
    assert [path.name for path in (tmp_path / "work" / "tissues").iterdir()] == ["last.ckpt"]


def test_a_disk_that_is_full_at_the_end_leaves_the_checkpoint_to_export_again(
    tmp_path: Path, labelled: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = plan_in(tmp_path / "work"), tmp_path / "mine"
    recipe, data = recipe_of(tiny_model, steps=2), DataFolders({"": labelled})
    with monkeypatch.context() as patch:
        patch.setattr(export, "save_file", FullDisk(export.save_file, after=0))
        with pytest.raises(TrainingError, match=r"weights\.safetensors: cannot be saved"):
            train_model(recipe, out, plan, data=data)
    assert not list(out.iterdir())
    card = train_model(recipe, out, plan, "export", data)
    assert card is not None
    assert verify_weights(out) == []
    assert set(card.scores) == {"validation", "test"}


def test_a_damaged_checkpoint_is_named(tmp_path: Path, tiny_model: Path, splits: Splits) -> None:
    plan = plan_in(tmp_path / "work", resume=True)
    plan.checkpoint("tissues").parent.mkdir(parents=True)
    plan.checkpoint("tissues").write_bytes(b"cut short")
    with pytest.raises(TrainingError, match=r"last\.ckpt: is no checkpoint"):
        train_network(recipe_of(tiny_model), "tissues", plan, splits)


def test_weights_of_another_network_are_no_start(tmp_path: Path, tiny_model: Path, splits: Splits) -> None:
    recipe = recipe_of(tiny_model).model_copy(update={"start_from": str(tiny_model)})
    with pytest.raises(UsageError, match=r"--from .*tiny: its network"):
        train_network(recipe, "tissues", plan_in(tmp_path / "work"), splits)
