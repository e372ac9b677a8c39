"""``blastoseg compare`` over two networks on twelve images: killed half way, it ends as undisturbed."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lightning")
import tomli_w

from blastoseg.errors import DataError, UsageError
from blastoseg.evaluation.comparison.compare_networks import Comparison, compare_networks
from blastoseg.evaluation.comparison.members import members_of
from blastoseg.evaluation.comparison.protocol import Protocol, keep_protocol, read_protocol
from blastoseg.evaluation.comparison.report import write_report
from blastoseg.evaluation.comparison.results import COST, MEMBERS, RESULT
from blastoseg.training.recipe import load_recipe, recipes_folder
from blastoseg.training.trainer import TrainingPlan
from tests.training.conftest import one_thread, write_labelled

pytestmark = pytest.mark.slow
__all__ = ["one_thread"]
NETWORKS = ("i2cnet", "blast-net")
LENGTH = {"budget": "images", "amount": 8}
ONE_OF_EACH = {"folds": 1, "seeds": 1, "own_optimiser": False}
TIMES = ["ms_cpu", "memory_mib", "training_h"]
"""What a clock says differs from run to run."""


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Path:
    content = tomllib.loads((recipes_folder() / "comparison.toml").read_text("utf-8"))
    content["locator"]["copy_from"] = str(tiny_model)
    segmenter = content["segmenter"]
    segmenter["input_size"] = 64
    segmenter["optimisation"] |= {"batch_size": 2, "precision": "32-true"}
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(content))
    return path


def begin(data: Path, out: Path, recipe: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "blastoseg", "compare", str(data), "--out", str(out)]
    command += ["--recipe", str(recipe), "--networks", ",".join(NETWORKS), "--budget", "images", "8"]
    # One thread, as ``one_thread`` here: another number adds up in another order.
    env = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def table(out: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(out / f"{name}.csv").drop(columns=TIMES, errors="ignore")


def test_killed_half_way_it_goes_on_to_the_table_of_an_undisturbed_run(tmp_path: Path, recipe: Path) -> None:
    data = write_labelled(tmp_path / "lab", count=12)
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    disturbed = begin(data, killed, recipe)
    first, second = (killed / MEMBERS / name / "fold-1-seed-0" for name in NETWORKS)
    while not (second / "training" / "tissues" / "last.ckpt").is_file():
        assert disturbed.poll() is None, disturbed.communicate()[0]
        time.sleep(0.05)
    disturbed.send_signal(signal.SIGKILL)
    disturbed.communicate()
    assert (first / RESULT).is_file()
    assert not (second / RESULT).is_file()
    said = finish(begin(data, killed, recipe))
    assert "2 trainings, of which done: 1" in said
    protocol = Protocol(data=str(data), recipe=load_recipe(recipe), width="small", **LENGTH, **ONE_OF_EACH)
    members = members_of(",".join(NETWORKS), ablation=False, width="small", side=64)
    plan = TrainingPlan(work=calm, accelerator="cpu", devices=1)
    compare_networks(Comparison(members, protocol, calm, plan))
    for name in ("networks", "tissues", "images"):
        pd.testing.assert_frame_equal(table(killed, name), table(calm, name))
    networks = table(calm, "networks")
    assert list(networks["network"].unique()) == ["I2CNet", "Blast-Net (our reconstruction)"]
    assert (networks["start"] == "from scratch").all()
    assert networks["jaccard"].between(0, 1).all()
    assert networks["parameters_m"].between(2.5, 3.5).all()
    assert networks["gflops"].gt(0.1).all()
    for file in ("comparison.xlsx", "comparison.md", "plots/bubbles.png", "plots/panel.png"):
        assert (calm / file).stat().st_size > 1000, file

    # The tables again, without training and before anything was timed; a network that failed is a row that
    # says so, without numbers.
    result = calm / MEMBERS / "blast-net" / "fold-1-seed-0" / RESULT
    result.write_text('{"name": "blast-net", "fold": 1, "seed": 0, "failed": "the loss is not a number"}')
    for name in NETWORKS:
        (calm / MEMBERS / name / COST).unlink()
    again = write_report(calm, lambda text: None)["networks"]
    row = again[again["name"] == "blast-net"].iloc[0]
    assert "the loss is not a number" in row["status"]
    assert pd.isna(row["jaccard"])
    assert row["jaccard_paper"] == pytest.approx(0.8374)
    assert "the loss is not a number" in (calm / "comparison.md").read_text("utf-8")

    # Another length is another protocol.
    with pytest.raises(UsageError, match="another amount"):
        keep_protocol(protocol.model_copy(update={"amount": 10}), calm)
    assert read_protocol(calm) == protocol == read_protocol(killed)


def test_a_folder_that_is_no_comparison_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"protocol\.json: is no protocol of a comparison"):
        write_report(tmp_path, lambda text: None)
