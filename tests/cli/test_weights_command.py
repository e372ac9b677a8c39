"""``weights list`` and ``weights verify`` tell what is in the box and whether it is whole."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import available_weights, weights_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("starter" not in available_weights(), reason="no starter weights yet"),
]


def test_the_bundled_models_are_listed_and_whole() -> None:
    listed = CliRunner().invoke(app, ["weights", "list"])
    assert listed.exit_code == 0
    assert all(name in listed.output for name in available_weights())
    verified = CliRunner().invoke(app, ["weights", "verify"])
    assert verified.exit_code == 0, verified.output
    assert "starter: whole" in verified.output


def test_a_damaged_model_is_named_and_ends_with_the_exit_code_of_weights(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(weights_folder() / "starter", tmp_path / "starter"))
    file = copy / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = CliRunner().invoke(app, ["weights", "verify", str(copy)])
    assert answer.exit_code == 6
    assert "weights.safetensors" in answer.stderr
