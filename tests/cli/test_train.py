"""`blastoseg train` from the command line: the way to a lab's own weights, and its refusals."""

import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning")
import tomli_w
import torch
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import available_weights, load_card
from blastoseg.model.loading import verify_weights

pytestmark = pytest.mark.slow

TRAINING_TESTS = Path(__file__).resolve().parents[1] / "training"


@pytest.fixture
def lab(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``data`` (eight labelled phantoms) and a recipe ``tiny.toml`` for them."""
    monkeypatch.syspath_prepend(str(TRAINING_TESTS.parent))
    monkeypatch.chdir(tmp_path)
    from training.conftest import labelled_recipe, write_labelled

    write_labelled(tmp_path / "data")
    content = labelled_recipe(tiny_model)
    del content["segmenter"]["network"], content["segmenter"]["input_size"]
    (tmp_path / "tiny.toml").write_text(tomli_w.dumps(content | {"start_from": str(tiny_model)}))
    for name in [name for name in sys.modules if name.partition(".")[0] == "training"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several cores, and much slower where others work on these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def command(*words: object) -> tuple[int, str]:
    answer = CliRunner().invoke(app, [str(word) for word in words])
    return answer.exit_code, answer.output


def test_labelled_images_become_weights_that_a_run_uses(lab: Path) -> None:
    code, said = command("train", "data", "--recipe", "tiny.toml", "--out", "mylab", "--max-epochs", 1)
    assert code == 0, said
    assert "made with seed 1" in said
    assert verify_weights("mylab") == []
    card = load_card(lab / "mylab")
    assert card.name == "mylab"
    assert {name: part.images for name, part in card.training.lists.items()} == {
        "train": 5,
        "val": 1,
        "test": 2,
    }
    assert card.training.steps == 3
    assert card.training.started_from.startswith("tiny 0, SHA-256 ")
    assert {"validation", "test", "test-before"} == set(card.scores)
    assert cv2.imread("mylab/curves.png").shape[0] > 100
    frame = np.full((120, 120), 128, np.uint8)
    (lab / "frames").mkdir()
    cv2.imwrite("frames/E1_RUN1.jpg", frame)
    code, said = command("run", "frames", "--weights", "mylab", "--out", "report", "--settle", 0)
    assert code == 0, said


def test_a_training_that_is_resumed_is_not_longer(lab: Path) -> None:
    for extra in ([], ["--resume"]):
        code, said = command("train", "data", "--recipe", "tiny.toml", "--out", "mylab", *extra)
        assert code == 0, said
    assert load_card(lab / "mylab").training.steps == 6


@pytest.fixture
def mixed(lab: Path, tmp_path: Path) -> Path:
    """``mixed.toml`` beside it: the sources a and b, each half of every batch."""
    content = tomllib.loads((lab / "tiny.toml").read_text())
    labelled = {"kind": "labelled", "test": 0.25, "val": 0.2}
    sources = [{"name": name, "share": 0.5, "data": labelled} for name in "ab"]
    content["segmenter"]["data"] = {"kind": "mixed", "seed": 1, "sources": sources}
    del content["segmenter"]["optimisation"]["epochs"]
    content["segmenter"]["optimisation"]["steps"] = 2
    (lab / "mixed.toml").write_text(tomli_w.dumps(content))
    shutil.copytree(lab / "data", lab / "other")
    return lab


def test_each_source_of_a_mixture_gets_its_own_folder(mixed: Path) -> None:
    code, said = command("train", "a=data", "b=other", "--recipe", "mixed.toml", "--out", "mylab")
    assert code == 0, said
    card = load_card(mixed / "mylab")
    assert set(card.scores) == {
        f"{source}-{part}" for source in "ab" for part in ("validation", "test", "test-before")
    }
    assert card.training.lists["a-train"].images == card.training.lists["b-train"].images == 5
    assert (mixed / "mylab-training" / "lists" / "b" / "train.txt").is_file()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["a=data"], 11, "blastoseg train a=DIR b=DIR"),
        (["a=data", "b=other", "c=data"], 2, "c=data: recipe tiny has the sources a, b: give SOURCE=DIR"),
        (["data"], 2, "data: recipe tiny has the sources a, b: give SOURCE=DIR"),
        (["a=data", "b=nowhere"], 11, "nowhere"),
    ],
)
def test_a_mixtures_folders_are_refused_where_they_do_not_fit_its_sources(
    mixed: Path, words: list[str], code: int, part: str
) -> None:
    given, said = command("train", *words, "--recipe", "mixed.toml", "--out", "mylab")
    assert (given, part in said.replace("\n", " ")) == (code, True), said
    assert not (mixed / "mylab").exists()


def test_the_only_labelled_source_takes_a_folder_with_or_without_its_name(lab: Path) -> None:
    for folder in ("data", "labelled=data"):
        code, said = command("train", folder, "--recipe", "tiny.toml", "--out", "x", "--part", "locator")
        assert code == 0, said


@pytest.mark.parametrize(("words", "name"), [([], "synthetic"), (["--unlabelled", "data"], "adapt")])
def test_without_data_a_recipe_without_labels_is_taken(
    words: list[str], name: str, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    taken: list[str] = []
    monkeypatch.setattr(
        "blastoseg.training.train_model.train_model", lambda recipe, *_, **__: taken.append(recipe.name)
    )
    assert command("train", *words, "--out", "mine")[0] == 0
    assert taken == [name]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["missing"], 11, "missing"),
        (["data", "--recipe", "i2cnet-synthetic"], 2, "synthetic images only"),
        (["--recipe", "tiny.toml"], 11, "blastoseg train DATA"),
        (["data", "--from", "nobody"], 6, "nobody"),
        (["data", "--recipe", "nothing"], 5, "finetune"),
        (["data", "--lists", "nowhere"], 11, "train.txt"),
        (["data", "--recipe", "tiny.toml", "--resume", "--part", "export"], 12, "last.ckpt"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_code(
    lab: Path, words: list[str], code: int, part: str
) -> None:
    given, said = command("train", *words, "--out", "mylab")
    assert (given, part in said.replace("\n", " ")) == (code, True), said
    assert not (lab / "mylab").exists()
