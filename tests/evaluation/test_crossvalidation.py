"""Every image is tested once, by a model that did not see its embryo; what was stopped goes on."""

import sys
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lightning")
import tomli_w
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.model.card import load_card

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def lab(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``data`` (eight labelled phantoms) and a recipe ``tiny.toml`` for them."""
    monkeypatch.syspath_prepend(str(TESTS))
    monkeypatch.chdir(tmp_path)
    from training.conftest import labelled_recipe, write_labelled

    write_labelled(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(tomli_w.dumps(labelled_recipe(tiny_model)))
    for name in [name for name in sys.modules if name.partition(".")[0] == "training"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def crossvalidate(*more: object) -> str:
    words = ["crossvalidate", "data", "--recipe", "tiny.toml", "--folds", 2, "--max-epochs", 1, *more]
    answer = CliRunner().invoke(app, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_every_image_is_tested_by_a_model_that_did_not_see_it_and_no_fold_is_trained_twice(lab: Path) -> None:
    said = crossvalidate("--out", "cv")
    assert "8 images: mean Jaccard" in said
    cases = pd.read_csv(lab / "cv" / "evaluation" / "cases.csv")
    assert sorted(cases["case"]) == [f"e{index}" for index in range(8)]
    for number in (1, 2):
        splits = {
            name: set((lab / "cv" / f"fold-{number}" / "splits" / f"{name}.txt").read_text().split())
            for name in ("train", "val", "test")
        }
        assert sum(map(len, splits.values())) == len(set.union(*splits.values())) == 8
        card = load_card(lab / "cv" / f"fold-{number}" / "model")
        assert card.training.lists["train"].images == len(splits["train"])
    again = crossvalidate("--out", "cv")
    assert again.count("is trained already") == 2
    pd.testing.assert_frame_equal(cases, pd.read_csv(lab / "cv" / "evaluation" / "cases.csv"))
