"""A training that is asked to stop ends in good order, whatever it does at that moment, and goes on later."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import tomli_w
import torch

from blastoseg.training.checkpoints import read_checkpoint
from blastoseg.training.labelled import read_splits
from blastoseg.training.module import NetworkModule
from blastoseg.training.recipe import Recipe
from blastoseg.training.trainer import TrainingPlan, train_network

from .conftest import labelled_recipe

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking them"),
]

# The command, which says when it comes to the place and takes its time there.
PAUSING = """
import sys, time, {module}
place = {module}.{name}
def pausing(*given, **named):
    if multiprocessing.parent_process() is None:
        print("HERE", flush=True)
        time.sleep({seconds})
    return place(*given, **named)
import multiprocessing
{module}.{name} = pausing
if __name__ == "__main__":
    from blastoseg.cli import main
    sys.argv[0] = "blastoseg"
    main()
"""
STEP = ("blastoseg.training.module", "NetworkModule.training_step", 0.3)
VALIDATION = ("blastoseg.training.module", "NetworkModule.validation_step", 0.3)
LOADER = ("torch.utils.data.dataloader", "_MultiProcessingDataLoaderIter._try_put_index", 0.3)
READING = ("blastoseg.training.labelled", "_read_through", 60)
CUTTING = ("blastoseg.training.loaders", "cut_samples", 60)
SCORING = ("blastoseg.training.train_model", "_calibrated", 60)


def stopped(folder: Path, place: tuple[str, str, float], number: signal.Signals, **recipe: Any) -> str:
    """What a training says that gets the signal at a place, in all its processes as from a terminal."""
    content = labelled_recipe(folder / "tiny", **recipe)
    del content["segmenter"]["optimisation"]["epochs"]
    (folder / "tiny.toml").write_text(tomli_w.dumps(content))
    module, name, seconds = place
    script = folder / "pausing.py"
    script.write_text(PAUSING.format(module=module, name=name, seconds=seconds))
    process = subprocess.Popen(
        [sys.executable, script, "train", "lab", "--recipe", "tiny.toml", "--out", "mine", "--device", "cpu"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        start_new_session=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=120)
    assert line == "HERE\n", said
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert re.search(r"^Interrupted: .*--resume", said, re.MULTILINE), said
    return said


@pytest.mark.parametrize(
    ("place", "number", "workers"),
    [
        (STEP, signal.SIGTERM, 0),
        (STEP, signal.SIGINT, 1),
        (STEP, signal.SIGUSR1, 0),
        (VALIDATION, signal.SIGTERM, 1),
        (LOADER, signal.SIGTERM, 2),
        (LOADER, signal.SIGINT, 2),
    ],
)
def test_a_training_that_is_stopped_ends_its_step_saves_it_and_says_how_to_go_on(
    place: tuple[str, str, float],
    number: signal.Signals,
    workers: int,
    labelled: Path,
    tmp_path: Path,
    tiny_model: Path,
) -> None:
    said = stopped(tmp_path, place, number, steps=100_000, workers=workers)
    told = re.search(r"stopped by (\w+) at step ([\d,]+) of 100,000, the checkpoint is written", said)
    assert told is not None, said
    assert told[1] == number.name
    checkpoint = read_checkpoint(tmp_path / "mine-training" / "tissues" / "last.ckpt")
    assert checkpoint["global_step"] == int(told[2].replace(",", "")) > 0


@pytest.mark.parametrize("place", [READING, CUTTING, SCORING])
def test_a_training_that_is_stopped_elsewhere_ends_at_once(
    place: tuple[str, str, float], labelled: Path, tmp_path: Path, tiny_model: Path
) -> None:
    said = stopped(tmp_path, place, signal.SIGTERM, steps=1)
    assert ("the networks are trained" in said) == (place is SCORING)


def test_a_training_that_was_stopped_goes_on_to_the_same_losses(
    labelled: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = labelled_recipe(tiny_model, epochs=None, steps=7, accumulate=2, ema_decay=0.5)
    recipe = Recipe.model_validate(content)
    data: Any = recipe.segmenter.data
    splits = {"labelled": read_splits(labelled, data, None, tmp_path / "lists")}
    whole = train_network(recipe, "tissues", TrainingPlan(tmp_path / "whole", accelerator="cpu"), splits)
    original = NetworkModule.training_step

    def asked(self: NetworkModule, batch: Any, index: int) -> Any:
        if self.global_step == 3:
            self.stop.ask("stopped by the test", 130)
        return original(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(NetworkModule, "training_step", asked)
        with pytest.raises(KeyboardInterrupt, match=r"by the test at step 4 of 7.*--resume"):
            train_network(recipe, "tissues", TrainingPlan(tmp_path / "cut", accelerator="cpu"), splits)
    plan = TrainingPlan(tmp_path / "cut", resume=True, accelerator="cpu")
    resumed = train_network(recipe, "tissues", plan, splits)
    torch.testing.assert_close(
        torch.tensor(resumed.curves.training), torch.tensor(whole.curves.training), rtol=1e-4, atol=1e-5
    )
