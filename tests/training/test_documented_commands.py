"""The commands of docs/training.md, in their order, on little data."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
import tomli_w
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import available_weights, load_card
from blastoseg.training import optics_fit, train_model
from blastoseg.training.recipe import recipes_folder
from blastoseg.training.recipe_data import MixedData
from blastoseg.training.recipe_unlabelled import Unlabelled

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"
SHORTER = {
    "simulate lab": ["--embryos", "8", "--size", "160"],
    "simulate frames": ["--embryos", "2", "--size", "160"],
    "train": ["--max-epochs", "1"],
}
"""What makes a documented command quick: given last, it overrides what stands before."""


def documented(block: int = 0, page: Path = PAGE) -> list[list[str]]:
    text = re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)[block]
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.strip()]


def run_all(commands: list[list[str]], shorter: dict[str, list[str]]) -> None:
    for program, *words in commands:
        assert program == "blastoseg"
        extra = next((more for start, more in shorter.items() if " ".join(words).startswith(start)), [])
        answer = CliRunner().invoke(app, [*words, *extra])
        assert answer.exit_code == 0, f"{' '.join(words)}: {answer.output}"


def test_a_lab_gets_its_own_weights_by_ten_commands_or_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    commands = documented()
    assert 1 < len(commands) <= 10
    monkeypatch.chdir(tmp_path)
    run_all(commands, SHORTER)
    for made in ("mylab/card.toml", "mylab/curves.png", "after/evaluation.xlsx", "report/report.xlsx"):
        assert (tmp_path / made).is_file()


def shortened(recipe: str, folder: Path) -> str:
    """A copy of a bundled recipe that trains for a moment."""
    content = tomllib.loads((recipes_folder() / f"{recipe}.toml").read_text("utf-8"))
    content["segmenter"]["optimisation"] |= {"steps": 1, "batch_size": 1, "workers": 0}
    content["segmenter"]["unlabelled"]["batch_size"] = 1
    content["segmenter"]["data"] |= {"validation_images": 1}
    path = folder / f"{recipe}.toml"
    path.write_text(tomli_w.dumps(content))
    return str(path)


def test_a_lab_gets_its_own_weights_without_any_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    monkeypatch.chdir(tmp_path)
    for name in ("SCORED_IMAGES", "CALIBRATION_IMAGES"):
        monkeypatch.setattr(train_model, name, 1)
    monkeypatch.setattr(optics_fit, "ROUNDS", ((16, 1.0), (8, 0.6)))
    monkeypatch.setattr(optics_fit, "LEAST_FRAMES", 1)
    commands = documented(1)
    assert 1 < len(commands) <= 10
    (train,) = (words for words in commands if words[1] == "train")
    assert train[train.index("--recipe") + 1] == "i2cnet-adapt"
    run_all(
        commands,
        {
            "simulate": ["--embryos", "6", "--size", "160"],
            "train": ["--recipe", shortened("i2cnet-adapt", tmp_path)],
            "evaluate": ["--simulated", "2"],
        },
    )
    assert load_card(tmp_path / "lab-weights").training.lists["unlabelled"].groups == 6
    used = tomllib.loads((tmp_path / "lab-weights" / "recipe.toml").read_text("utf-8"))
    assert "relief" in used["segmenter"]["data"]["fitted"]


def shown(section: str) -> dict[str, Any]:
    """A section of the segmenter as the page shows it."""
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (found,) = (part for block in blocks if (part := tomllib.loads(block)["segmenter"].get(section)))
    return dict(found)


def test_the_mixture_on_the_page_is_a_valid_one() -> None:
    mixture = MixedData.model_validate(shown("data"))
    assert [source.name for source in mixture.sources] == ["synthetic", "ours", "theirs"]


def test_what_the_page_says_of_unlabelled_frames_are_the_defaults() -> None:
    on_page = Unlabelled.model_validate(shown("unlabelled"))
    settings = {"augmentation"} ^ set(shown("unlabelled"))
    assert on_page.model_dump(include=settings) == Unlabelled().model_dump(include=settings)


def test_every_recipe_on_the_page_is_there_and_every_recipe_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    for path in recipes_folder().glob("*.toml"):
        name = path.stem.removeprefix("i2cnet-table1")
        assert f"`{path.stem}`" in text or f"`{name}`" in text


def test_the_commands_of_the_page_on_the_papers_tables_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("monai")
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    monkeypatch.chdir(tmp_path)
    page = PAGE.with_name("reproduce.md")
    quick = {
        "simulate": ["--embryos", "8", "--size", "160"],
        "compare lab": ["--budget", "images", "1", "--input-size", "64"],
    }
    run_all(documented(page=page), quick)
    assert (tmp_path / "compared" / "comparison.xlsx").is_file()
    assert (tmp_path / "unet" / "evaluation.xlsx").is_file()
