"""The U-Net of MONAI as a segmenter: an optional library, a recipe on the page, a run with its weights."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lightning")
import tomli_w

from blastoseg.errors import EnvironmentProblemError
from blastoseg.model.architectures.registry import SEGMENTERS
from blastoseg.model.card import available_weights, load_card
from blastoseg.training.inputs import DataFolders
from blastoseg.training.recipe import load_recipe
from blastoseg.training.train_model import train_model
from blastoseg.training.trainer import TrainingPlan
from tests.cli.night import finish, make_frames, start
from tests.training.conftest import labelled_recipe, write_labelled

PAGE = Path(__file__).resolve().parents[3] / "docs" / "training.md"


def recipe_file(folder: Path, **smaller: object) -> Path:
    """The page's section for a U-Net in a whole recipe; ``smaller`` makes it quick."""
    block = re.search(r"```toml\n(\[segmenter\].*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block is not None
    content = labelled_recipe("starter")
    content["segmenter"] |= tomllib.loads(block[1])["segmenter"] | smaller
    path = folder / "unet.toml"
    path.write_text(tomli_w.dumps(content))
    return path


def test_without_monai_the_recipe_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "monai"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "monai", None)
    with pytest.raises(EnvironmentProblemError, match=r"pip install 'blastoseg\[networks\]'"):
        load_recipe(recipe_file(tmp_path))


def test_the_recipe_on_the_page_is_a_unet(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    configuration = load_recipe(recipe_file(tmp_path)).segmenter.configuration
    assert configuration == SEGMENTERS.configure("unet", {})


@pytest.mark.slow
def test_it_needs_no_torchvision() -> None:
    pytest.importorskip("monai")
    code = "import sys; sys.modules['torchvision'] = None\n"
    code += "from blastoseg.model.architectures.registry import SEGMENTERS\n"
    code += "SEGMENTERS.configure('unet', {}).build()"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_step_of_training_gives_weights_that_a_run_uses(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    if "starter" not in available_weights():
        pytest.skip("the starter weights, whose locator is used, are not in this checkout")
    optimisation = labelled_recipe("starter")["segmenter"]["optimisation"] | {"steps": 1}
    del optimisation["epochs"]
    network = {"features": [8, 8, 8, 8, 8, 8]}
    path = recipe_file(tmp_path, input_size=64, network=network, optimisation=optimisation)
    data = DataFolders({"": write_labelled(tmp_path / "lab")})
    card = train_model(load_recipe(path), tmp_path / "mine", TrainingPlan(tmp_path / "work"), data=data)
    assert card is not None
    assert load_card(tmp_path / "mine").segmenter.architecture == "unet"
    frames = make_frames(tmp_path / "ward", "WELL1", 1)
    code, said = finish(start(frames, tmp_path / "out", "--weights", tmp_path / "mine"))
    assert code == 0, said
    assert list(pd.read_csv(tmp_path / "out" / "frames.csv")["status"]) != ["failed"]
