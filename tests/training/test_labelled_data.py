"""Labelled images become samples: listed, checked, cut as a run cuts them, in an order that is known."""

import re
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("lightning")
import torch

from blastoseg.datasets import open_dataset, split_dataset, write_split
from blastoseg.errors import DataError, SettingsError
from blastoseg.model.locating import fit_square, locate_embryo
from blastoseg.training.augmentation import augment
from blastoseg.training.data import LabelledStream, Share, shuffled_index
from blastoseg.training.labelled import cut_sample, cut_samples, embryo_box, read_splits
from blastoseg.training.recipe import Recipe, load_recipe, recipes_folder
from blastoseg.training.recipe_data import Augmentation, LabelledData

from .conftest import SIDE, draw_phantom, labelled_recipe, write_labelled

DATA = LabelledData(kind="labelled", seed=1, test=0.25, val=0.2)


def batches(samples: list[Any], share: Share, count: int) -> list[torch.Tensor]:
    recipe = Recipe.model_validate(labelled_recipe("starter"))
    stream = iter(LabelledStream(samples, recipe.segmenter, share))
    return [torch.stack([image for image, _ in islice(stream, 2)]) for _ in range(count)]


def test_lists_are_made_where_there_are_none_and_kept(labelled: Path, tmp_path: Path) -> None:
    told: list[str] = []
    splits = read_splits(labelled, DATA, None, tmp_path / "lists", told.append)
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [5, 1, 2]
    assert splits.cards["train"].images == splits.cards["train"].groups == 5
    assert any("seed 1" in text for text in told)
    other_seed = DATA.model_copy(update={"seed": 99})
    again = read_splits(labelled, other_seed, None, tmp_path / "lists")
    assert [case.name for case in again.train] == [case.name for case in splits.train]


def test_the_datas_own_lists_come_first(labelled: Path, tmp_path: Path) -> None:
    write_split(split_dataset(open_dataset(labelled), seed=7, test=0.5), labelled)
    splits = read_splits(labelled, DATA, None, tmp_path / "lists")
    assert splits.folder == labelled
    assert len(splits.test) == 4
    assert not (tmp_path / "lists").exists()


def test_the_hash_of_a_list_changes_with_one_pixel_of_a_mask(labelled: Path, tmp_path: Path) -> None:
    before = read_splits(labelled, DATA, None, tmp_path / "lists")
    path = labelled / "masks" / f"{before.train[0].name}.png"
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    mask[0, 0] = 4
    cv2.imwrite(str(path), mask)
    after = read_splits(labelled, DATA, None, tmp_path / "lists")
    assert before.cards["train"].sha256 != after.cards["train"].sha256
    assert before.cards["test"] == after.cards["test"]


def test_a_tissue_that_no_training_mask_shows_is_named(tmp_path: Path) -> None:
    data = write_labelled(tmp_path / "lab", hidden=(1,))
    with pytest.raises(DataError, match=r"train\.txt.*Inner cell mass|train\.txt.*ICM") as caught:
        read_splits(data, DATA, None, tmp_path / "lists")
    assert caught.value.exit_code == 11


def test_an_empty_list_is_named(labelled: Path, tmp_path: Path) -> None:
    write_split(split_dataset(open_dataset(labelled)), labelled)
    (labelled / "val.txt").write_text("")
    with pytest.raises(DataError, match=r"val\.txt: is empty"):
        read_splits(labelled, DATA, None, tmp_path / "lists")


def test_the_crop_of_labels_is_the_crop_of_a_run_that_locates_well() -> None:
    _, labels = draw_phantom(0)
    square, fit = fit_square((labels > 0).astype(np.uint8) * 255, SIDE)
    located = locate_embryo((square > 127).astype(np.float32), fit, 0.5).box
    assert embryo_box(labels) == located


def test_a_cut_sample_keeps_image_and_labels_together() -> None:
    _, labels = draw_phantom(1)
    sample = cut_sample(labels * 50, labels, 64, "tissues")
    assert sample.image.shape == sample.maps.shape == (64, 64)
    assert (np.round(sample.image / 50) == sample.maps).mean() > 0.9
    assert set(np.unique(sample.maps)) == {0, 1, 2, 3, 4}
    whole = cut_sample(labels * 50, labels, 32, "embryos")
    assert whole.maps.shape == (32, 32, 2)
    assert whole.maps[..., 0].mean() == pytest.approx((labels > 0).mean(), abs=0.02)
    assert not whole.maps[..., 1].any()


def test_two_processes_see_together_what_one_sees_with_the_doubled_batch(
    labelled: Path, tmp_path: Path
) -> None:
    cases = read_splits(labelled, DATA, None, tmp_path / "lists").train
    samples = cut_samples(cases, 64, "tissues")
    alone = batches(samples, Share(), 4)
    first, second = batches(samples, Share(0, 2), 2), batches(samples, Share(1, 2), 2)
    for step in range(2):
        torch.testing.assert_close(alone[2 * step], first[step])
        torch.testing.assert_close(alone[2 * step + 1], second[step])
    torch.testing.assert_close(batches(samples, Share(batches_done=3), 1)[0], alone[3])


def test_every_image_is_seen_once_before_any_comes_again() -> None:
    orders = [[shuffled_index(5, 1, 5 * epoch + place) for place in range(5)] for epoch in range(3)]
    assert [sorted(order) for order in orders] == [[0, 1, 2, 3, 4]] * 3
    assert len({tuple(order) for order in orders}) > 1


def test_the_papers_scaling_moves_image_and_labels_together_and_turns_nothing() -> None:
    _, labels = draw_phantom(2)
    settings = Augmentation(quarter_turns=False, scale=(0.5, 2.0), random_crop=True, rotation_deg=15)
    shares = []
    for seed in range(12):
        image, moved = augment(labels / np.float32(4), labels, settings, np.random.default_rng(seed))
        assert ((image > 0.1) == (moved > 0)).mean() > 0.95
        shares.append((moved > 0).mean() / (labels > 0).mean())
    assert min(shares) < 0.5
    assert max(shares) > 1.5


def test_an_elastic_deformation_bends_image_and_labels_together() -> None:
    _, labels = draw_phantom(3)
    settings = Augmentation(quarter_turns=False, elastic=0.03)
    plain = Augmentation(quarter_turns=False)
    for seed in range(8):
        image, bent = augment(labels.astype(np.float32), labels, settings, np.random.default_rng(seed))
        _, before = augment(labels.astype(np.float32), labels, plain, np.random.default_rng(seed))
        assert (np.round(image) == bent).mean() > 0.97
        assert 0.01 < (bent != before).mean() < 0.5
        assert bent.dtype == np.uint8
        assert set(np.unique(bent)) <= {0, 1, 2, 3, 4}


def test_recipes_name_what_does_not_fit_together(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not in epochs"):
        load_recipe("i2cnet-synthetic", epochs=3)
    text = (recipes_folder() / "i2cnet-synthetic.toml").read_text()
    text = re.sub(r"^steps = \d+", "epochs = 3", text, count=1, flags=re.MULTILINE)
    (tmp_path / "endless.toml").write_text(text)
    with pytest.raises(SettingsError, match="synthetic images never end"):
        load_recipe(tmp_path / "endless.toml")
    (tmp_path / "both.toml").write_text(text.replace("epochs = 3", "epochs = 3\nsteps = 4"))
    with pytest.raises(SettingsError, match="either steps or epochs"):
        load_recipe(tmp_path / "both.toml")


def test_the_papers_recipe_and_the_five_rows_of_table_1_differ_in_the_contexts_only() -> None:
    paper = load_recipe("i2cnet-paper").segmenter
    rows = {path.stem: load_recipe(path).segmenter for path in recipes_folder().glob("i2cnet-table1-*.toml")}
    switches = {tuple(row.network[name] for name in ("intra", "inter", "weighting")) for row in rows.values()}
    assert len(rows) == len(switches) == 5
    assert rows["i2cnet-table1-full"] == paper
    for row in rows.values():
        assert row.model_copy(update={"network": paper.network}) == paper
    assert paper.optimisation.epochs == 2000
    assert paper.augmentation.scale == (0.5, 2.0)
