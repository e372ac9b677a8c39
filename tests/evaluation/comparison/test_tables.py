"""The tables of a comparison from results whose scores are known."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning")

from blastoseg.errors import DataError, NetworkFailedError, UsageError
from blastoseg.evaluation.comparison import trial
from blastoseg.evaluation.comparison.compare_networks import Comparison, compare_networks
from blastoseg.evaluation.comparison.members import members_of
from blastoseg.evaluation.comparison.page import page_of
from blastoseg.evaluation.comparison.protocol import Protocol
from blastoseg.evaluation.comparison.results import ImageResult, Trained, all_results
from blastoseg.evaluation.comparison.tables import ablation_table, images_table, networks_table, tissues_table
from blastoseg.evaluation.overlap import MEAN_OF_IMAGES
from blastoseg.training.cost import Cost
from blastoseg.training.recipe import load_recipe
from blastoseg.training.trainer import TrainingPlan
from tests.training.conftest import write_labelled

IMAGES = 8
PIXELS = 100


def image_with(name: str, right: int) -> ImageResult:
    """An image of which so many of a hundred pixels of each tissue are right; the others go to the next."""
    counts = np.diag([right] * 5) + np.roll(np.diag([PIXELS - right] * 5), 1, axis=1)
    return ImageResult(name=name, group=name, counts=counts.tolist(), labels="")


def trained(name: str, seed: int, right: int) -> Trained:
    images = [image_with(f"e{number}", right + number) for number in range(IMAGES)]
    return Trained(name=name, fold=1, seed=seed, start="from scratch", tested=images)


def jaccard(right: int) -> float:
    return float(np.mean([value / (2 * PIXELS - value) for value in range(right, right + IMAGES)]))


def test_scores_are_means_over_seeds_with_their_spread_and_tests_pair_the_images() -> None:
    results = [trained("i2cnet", seed, right) for seed, right in enumerate((80, 90))]
    results += [trained("unet", 0, 70), trained("i2cnet-backbone", 0, 84)]
    results.append(Trained(name="medt", fold=1, seed=0, start="from scratch", failed="out of memory"))
    nan = float("nan")
    networks = networks_table(results, {"unet": Cost(3.0, 2.5, 40.0, nan, 300.0, nan)})
    rows = networks[networks["averaging"] == MEAN_OF_IMAGES].set_index("name")
    assert list(rows.index) == ["i2cnet", "unet", "medt", "i2cnet-backbone"]
    scores = jaccard(80), jaccard(90)
    assert rows.loc["i2cnet", "jaccard"] == pytest.approx(np.mean(scores))
    assert rows.loc["i2cnet", "jaccard_sd"] == pytest.approx(np.std(scores, ddof=1))
    assert np.isnan(rows.loc["unet", "jaccard_sd"])
    assert rows.loc["unet", "difference"] == pytest.approx(jaccard(70) - np.mean(scores))
    # All eight images are worse: two of 2^8 patterns of signs. Each test is alone in its family.
    assert rows.loc["unet", "p"] == rows.loc["unet", "p_holm"] == pytest.approx(2 / 2**IMAGES)
    assert rows.loc["unet", "parameters_m"] == 3
    assert rows.loc["medt", "status"] == "failed: fold 1, seed 0: out of memory"
    assert np.isnan(rows.loc["medt", "jaccard"])
    ablation = ablation_table(networks)
    assert list(ablation["name"].unique()) == ["i2cnet-backbone", "i2cnet"]
    images = images_table(results)
    assert list(images.columns) == ["image", "i2cnet", "unet", "i2cnet-backbone"]
    tables = {"networks": networks, "ablation": ablation, "tissues": tissues_table(results), "images": images}
    page = page_of(tables, {"Start": "from scratch"})
    assert "| MedT | failed: fold 1, seed 0: out of memory |" in page
    assert "| U-Net | from scratch |" in page
    assert "| backbone | from scratch |" in page


def test_a_tissue_that_the_reference_does_not_show_is_not_asked_of_one_network_alone() -> None:
    sees = np.diag([0, 90, 90, 90, 100])
    imagines = sees.copy()
    imagines[4, 0] = 1
    results = [
        Trained(
            name=name,
            fold=1,
            seed=0,
            tested=[ImageResult(name="e", group="e", counts=counts.tolist(), labels="")],
        )
        for name, counts in (("i2cnet", sees), ("unet", imagines))
    ]
    found = images_table(results).iloc[0]
    assert found["i2cnet"] == 1
    assert found["unet"] == pytest.approx((3 + 100 / 101) / 4)


def test_without_any_result_there_is_nothing_to_report() -> None:
    with pytest.raises(DataError, match="no network is trained yet"):
        networks_table([], {})


def test_a_network_that_diverges_is_a_result_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object, **__: object) -> None:
        raise NetworkFailedError("the loss is not a number at step 3")

    monkeypatch.setattr(trial, "train_model", diverge)
    monkeypatch.setattr(
        "blastoseg.evaluation.comparison.compare_networks._measure_costs", lambda request: None
    )
    data, out = write_labelled(tmp_path / "lab"), tmp_path / "out"
    recipe = load_recipe("comparison")
    protocol = Protocol(
        data=str(data),
        recipe=recipe,
        width="small",
        budget="images",
        amount=8,
        folds=1,
        seeds=2,
        own_optimiser=True,
    )
    members = members_of("i2cnet,blast-net", ablation=False, width="small", side=256)
    plan = TrainingPlan(work=out, accelerator="cpu", devices=1, tell=lambda text: None)
    networks = compare_networks(Comparison(members, protocol, out, plan))["networks"]
    assert networks["status"].str.contains("not a number at step 3").all()
    assert len(all_results(out)) == 4
    assert "not a number at step 3" in (out / "comparison.md").read_text("utf-8")
    strange = protocol.model_copy(update={"pretrained": {"unet": "x.safetensors"}})
    with pytest.raises(UsageError, match="--pretrained unet: is none of those compared: i2cnet, blast-net"):
        compare_networks(Comparison(members, strange, out, plan))
