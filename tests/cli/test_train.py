"""`blastoseg train` from the command line: the way to a lab's own weights, and its refusals."""

import sys
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
from blastoseg.model.card import load_card
from blastoseg.model.loading import verify_weights

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
