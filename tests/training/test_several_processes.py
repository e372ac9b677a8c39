"""Two processes on CPUs (gloo) give what one gives with the doubled batch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import torch
from safetensors.torch import load_file

from blastoseg.datasets import open_dataset, split_dataset, write_split

from .conftest import labelled_recipe

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("two_processes.py")


def gradients(data: Path, folder: Path, batch_size: int, processes: int) -> dict[str, Any]:
    """Gradients of the first step, and the first BatchNorm's running mean."""
    folder.mkdir()
    recipe = labelled_recipe("none", batch_size=batch_size, epochs=None, steps=1, ema_decay=0.5)
    (folder / "recipe.json").write_text(json.dumps(recipe))
    environment = {name: value for name, value in os.environ.items() if "RANK" not in name}
    command = [sys.executable, SCRIPT, folder / "recipe.json", data, folder, processes, folder / "answer"]
    subprocess.run(
        [str(part) for part in command],
        check=True,
        capture_output=True,
        timeout=200,
        env={**environment, "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).resolve().parents[2],
    )
    return load_file(folder / "answer")


def test_two_processes_give_the_gradients_of_one_with_the_doubled_batch(
    labelled: Path, tmp_path: Path
) -> None:
    write_split(split_dataset(open_dataset(labelled)), labelled)
    one = gradients(labelled, tmp_path / "one", batch_size=4, processes=1)
    two = gradients(labelled, tmp_path / "two", batch_size=2, processes=2)
    assert one.keys() == two.keys()
    assert len(one) > 20
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-5, msg=f"{name} differs")
