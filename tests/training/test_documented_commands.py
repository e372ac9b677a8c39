"""The commands of docs/training.md, in their order, on little data."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("lightning")
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import available_weights

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"
SHORTER = {
    "simulate lab": ["--embryos", "8", "--size", "160"],
    "simulate frames": ["--embryos", "2", "--size", "160"],
    "train": ["--max-epochs", "1"],
}
"""What makes a documented command quick: given last, it overrides what stands before."""


def documented() -> list[list[str]]:
    block = re.search(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True) for line in block[1].splitlines() if line.strip()]


def test_a_lab_gets_its_own_weights_by_ten_commands_or_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    commands = documented()
    assert 1 < len(commands) <= 10
    monkeypatch.chdir(tmp_path)
    for program, *words in commands:
        assert program == "blastoseg"
        extra = next((more for start, more in SHORTER.items() if " ".join(words).startswith(start)), [])
        answer = CliRunner().invoke(app, [*words, *extra])
        assert answer.exit_code == 0, f"{' '.join(words)}: {answer.output}"
    for made in ("mylab/card.toml", "mylab/curves.png", "after/evaluation.xlsx", "report/report.xlsx"):
        assert (tmp_path / made).is_file()


def test_the_mixture_on_the_page_is_a_valid_one() -> None:
    from blastoseg.training.recipe_data import MixedData

    block = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    mixture = MixedData.model_validate(tomllib.loads(block[1])["segmenter"]["data"])
    assert [source.name for source in mixture.sources] == ["synthetic", "ours", "theirs"]


def test_every_recipe_on_the_page_is_there_and_every_recipe_is_on_the_page() -> None:
    from blastoseg.training.recipe import recipes_folder

    text = PAGE.read_text("utf-8")
    for path in recipes_folder().glob("*.toml"):
        name = path.stem.removeprefix("i2cnet-table1")
        assert f"`{path.stem}`" in text or f"`{name}`" in text
