"""Several sources in one batch: their shares, their order, their validation, and the images of one mask."""

import csv
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("lightning")
import torch

from blastoseg.datasets import open_dataset
from blastoseg.errors import DataError
from blastoseg.tissues import CHANNEL_OF_LABEL
from blastoseg.training.curves import write_curves
from blastoseg.training.data import LoadedSource, MixedStream, Share
from blastoseg.training.labelled import read_splits
from blastoseg.training.loaders import TrainingData, training_loader
from blastoseg.training.recipe import Recipe, load_recipe
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.sample import Sample, Target
from blastoseg.training.trainer import TrainingPlan, train_network

from .conftest import labelled_recipe, write_labelled

pytestmark = pytest.mark.slow

SHARES = {"synthetic": 0.375, "pcrm": 0.435, "embryoscope": 0.19}


def mixed_content(shares: dict[str, float], **optimisation: Any) -> dict[str, Any]:
    """A recipe's content: one synthetic source, the others labelled."""
    content = labelled_recipe("starter", **{"epochs": None, "steps": 2, **optimisation})
    synthetic = {"kind": "synthetic", "seed": 8, "fill": [0.6, 0.9], "validation_images": 2}
    labelled = {"kind": "labelled", "test": 0, "val": 0}
    content["segmenter"]["data"] = {
        "kind": "mixed",
        "seed": 7,
        "sources": [
            {"name": name, "share": share, "data": synthetic if name == "synthetic" else labelled}
            for name, share in shares.items()
        ],
    }
    return content


def sources_of(recipe: Recipe, count: int = 5) -> list[LoadedSource]:
    """Sources whose samples show nothing but their own number, as a label value from 1."""
    return [
        LoadedSource(source, [Sample(noise(seed), np.full((64, 64), number)) for seed in range(count)], [])
        for number, source in enumerate(recipe.segmenter.sources, start=1)
    ]


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 64)).astype(np.uint8)


def loaded(recipe: Recipe, share: Share, count: int) -> list[torch.Tensor]:
    data = TrainingData(recipe.segmenter, "tissues", tuple(sources_of(recipe)))
    workers = recipe.segmenter.optimisation.workers_here(cores=1, is_gpu=False)
    return [image for image, _ in islice(training_loader(data, share, workers), count)]


def test_every_batch_holds_the_sources_shares_as_near_as_whole_images_go() -> None:
    names = {"one": 0.375, "two": 0.435, "three": 0.19}
    recipe = Recipe.model_validate(mixed_content(names, batch_size=8))
    stream = iter(MixedStream(sources_of(recipe), recipe.segmenter, "tissues"))
    seen: Counter[int] = Counter()
    for _ in range(100):
        batch = Counter(int(channels[0, 0]) for _, channels in islice(stream, 8))
        for label, share in enumerate(names.values(), start=1):
            assert abs(batch[CHANNEL_OF_LABEL[label]] - 8 * share) < 1
        seen += batch
    for label, share in enumerate(names.values(), start=1):
        assert seen[CHANNEL_OF_LABEL[label]] / 800 == pytest.approx(share, abs=0.01)


def test_what_stands_at_a_place_depends_on_neither_workers_nor_where_a_training_went_on() -> None:
    alone = loaded(Recipe.model_validate(mixed_content(SHARES, batch_size=4)), Share(), 5)
    helped = loaded(Recipe.model_validate(mixed_content(SHARES, batch_size=4, workers=2)), Share(), 5)
    torch.testing.assert_close(helped, alone)
    resumed = loaded(Recipe.model_validate(mixed_content(SHARES, batch_size=4)), Share(batches_done=3), 2)
    torch.testing.assert_close(resumed, alone[3:])
    second = loaded(Recipe.model_validate(mixed_content(SHARES, batch_size=4)), Share(1, 2), 2)
    torch.testing.assert_close(second, [alone[1], alone[3]])


def test_another_seed_gives_another_order() -> None:
    content = mixed_content(SHARES, batch_size=8)
    orders = []
    for seed in (7, 8):
        content["segmenter"]["data"]["seed"] = seed
        recipe = Recipe.model_validate(content)
        stream = iter(MixedStream(sources_of(recipe), recipe.segmenter, "tissues"))
        orders.append([int(channels.float().mean() * 100) for _, channels in islice(stream, 16)])
    assert orders[0] != orders[1]


def test_each_sources_validation_stands_in_the_curves(tmp_path: Path) -> None:
    content = mixed_content({"synthetic": 0.5, "pcrm": 0.25, "embryoscope": 0.25})
    content["segmenter"]["data"]["sources"][1]["data"] = {"kind": "labelled", "test": 0, "val": 0.2}
    recipe = Recipe.model_validate(content)
    splits = {}
    for name, settings in recipe.labelled_sources.items():
        folder = write_labelled(tmp_path / name)
        splits[name] = read_splits(folder, settings, None, tmp_path / "lists" / name)
    assert [len(splits["embryoscope"].val), len(splits["embryoscope"].test)] == [0, 0]
    plan = TrainingPlan(tmp_path / "work", checkpoint_steps=1, accelerator="cpu")
    module = train_network(recipe, "tissues", plan, splits)
    assert {name: [row[0] for row in rows] for name, rows in module.curves.validation.items()} == {
        "synthetic": [1, 2],
        "pcrm": [1, 2],
    }
    words = module.state(is_validated=True).in_words()
    assert "validation on synthetic" in words
    assert "validation on pcrm" in words
    write_curves(module.curves, tmp_path, "mixed")
    with (tmp_path / "curves.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "validation"]
    assert Counter(row["source"] for row in rows) == {"synthetic": 2, "pcrm": 2}
    assert all(0 <= float(row["jaccard_mean"]) <= 1 for row in rows)


def test_only_a_source_of_a_mixture_may_go_without_validation() -> None:
    Recipe.model_validate(mixed_content(SHARES))
    content = labelled_recipe("starter")
    content["segmenter"]["data"]["val"] = 0
    with pytest.raises(ValidationError, match=r"val must be more than 0"):
        Recipe.model_validate(content)


@pytest.mark.parametrize(
    ("shares", "problem"),
    [
        ({"one": 0.5, "two": 0.4}, "sum to 1"),
        ({"one": 1.0}, "at least 2"),
        ({"One": 0.5, "two": 0.5}, "name"),
    ],
)
def test_a_mixture_that_does_not_add_up_is_refused(shares: dict[str, float], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Recipe.model_validate(mixed_content(shares))


def test_a_synthetic_source_of_a_mixture_gives_its_images_as_often_as_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = []

    def draw(data: SyntheticData, size: int, target: Target, index: int) -> Sample:
        del data, size, target
        drawn.append(index)
        return Sample(noise(index), np.zeros((64, 64), np.uint8))

    monkeypatch.setattr("blastoseg.training.synthetic.synthetic_sample", draw)
    content = mixed_content({"synthetic": 0.75, "pcrm": 0.25}, batch_size=4)
    content["segmenter"]["data"]["sources"][0]["data"]["reuse"] = 3
    recipe = Recipe.model_validate(content)
    list(islice(MixedStream(sources_of(recipe), recipe.segmenter, "tissues"), 80))
    assert len(drawn) == len(set(drawn)) == 60 / 3


def write_planes(folder: Path) -> dict[str, tuple[str, ...]]:
    """Two outlines, the first of three focal planes; the pairs that say so."""
    write_labelled(folder, 4)
    (folder / "outlines").mkdir()
    for number in (0, 1):
        (folder / "masks" / f"e{number}.png").rename(folder / "outlines" / f"o{number}.png")
    return {
        "outlines/o0.png": ("images/e0.png", "images/e2.png", "images/e3.png"),
        "outlines/o1.png": ("images/e1.png",),
    }


def test_one_mask_labels_all_the_images_that_it_is_paired_with(tmp_path: Path) -> None:
    pairs = write_planes(tmp_path / "sample")
    cases = open_dataset(tmp_path / "sample", pairs).cases
    assert len(cases) == 4
    masks = {case.image_path.name: case.read().labels for case in cases}
    for name, mask in (("e2.png", "o0.png"), ("e3.png", "o0.png"), ("e1.png", "o1.png")):
        given = cv2.imread(str(tmp_path / "sample" / "outlines" / mask), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(masks[name], given)


@pytest.mark.parametrize("missing", ["outlines/o1.png", "images/e3.png"])
def test_a_file_of_a_pair_that_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    pairs = write_planes(tmp_path / "sample")
    (tmp_path / "sample" / missing).unlink()
    with pytest.raises(DataError, match=f"{missing}: is missing"):
        open_dataset(tmp_path / "sample", pairs)


def test_the_starters_recipe_mixes_one_synthetic_and_two_labelled_sources(tiny_model: Path) -> None:
    recipe = load_recipe("i2cnet-starter", str(tiny_model))
    assert {source.name: source.share for source in recipe.segmenter.sources} == SHARES
    assert set(recipe.labelled_sources) == {"pcrm", "embryoscope"}
    assert load_recipe("i2cnet-synthetic").labelled_sources == {}
