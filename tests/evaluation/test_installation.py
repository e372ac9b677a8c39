"""An evaluation runs on what every installation has: no extra is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import blastoseg

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
OF_EXTRAS = ("lightning", "pytorch_lightning", "tomli_w", "monai", "sklearn", "psutil")
TRAINING = {"crossvalidation"}
"""Trains, and so needs the extra ``train``; its command says so."""
MODULES = [
    path
    for path in sorted((Path(blastoseg.__file__).parent / "evaluation").glob("[!_]*.py"))
    if path.stem not in TRAINING
]


def without_extras(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    block = f"import sys\nsys.modules.update(dict.fromkeys({OF_EXTRAS!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", block + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )


def test_every_module_of_an_evaluation_is_imported_without_the_extras() -> None:
    assert MODULES
    done = without_extras("\n".join(f"import blastoseg.evaluation.{path.stem}" for path in MODULES))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_command_writes_its_plots_without_the_extras(tiny_model: Path, tmp_path: Path) -> None:
    arguments = ("evaluate", "--simulated", "2", "--weights", tiny_model, "--out", tmp_path / "out")
    done = without_extras("from blastoseg.cli import main\nmain()", *arguments, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "plots" / "reliability.png").is_file()
