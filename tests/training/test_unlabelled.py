"""Frames without labels: how they are read and cut, which comes when, and which recipes take any."""

import hashlib
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("lightning")
import torch

from blastoseg.errors import DataError, InputNotFoundError
from blastoseg.model.card import available_weights, load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.training.data import Share, UnlabelledStream
from blastoseg.training.recipe import Job, Recipe
from blastoseg.training.recipe_data import Augmentation
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.training.unlabelled import read_unlabelled

from .conftest import draw_phantom, labelled_recipe

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NIGHTS = [ROOT / "examples" / "day5", ROOT.parent / "shared" / "real" / "videos" / "embryoscope_well6.avi"]


def job_with(**unlabelled: Any) -> Job:
    content = labelled_recipe("starter", ema_decay=0.9)
    content["segmenter"]["unlabelled"] = unlabelled
    return Recipe.model_validate(content | {"start_from": "starter"}).segmenter


def crops_of(count: int, side: int = 32) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [rng.integers(0, 256, (side, side)).astype(np.uint8) for _ in range(count)]


def test_teacher_and_student_see_a_frame_at_the_same_place() -> None:
    moving = Augmentation(rotation_deg=90, zoom=0.2, shift=0.2)
    plain, changed = next(iter(UnlabelledStream(crops_of(3), Unlabelled(augmentation=moving))))
    torch.testing.assert_close(plain, changed)
    noisy = moving.model_copy(update={"gamma": 0.5, "gradient": 0.3})
    plain, changed = next(iter(UnlabelledStream(crops_of(3), Unlabelled(augmentation=noisy))))
    assert not torch.allclose(plain, changed)
    correlation = float((plain * changed).mean())
    assert correlation > 0.8


def test_which_frame_stands_at_a_place_depends_on_seed_and_place_only() -> None:
    settings = Unlabelled(batch_size=2)
    crops = crops_of(9)
    alone = [plain for plain, _ in islice(UnlabelledStream(crops, settings), 10)]
    resumed = islice(UnlabelledStream(crops, settings, Share(batches_done=3)), 4)
    torch.testing.assert_close([plain for plain, _ in resumed], alone[6:])
    second = islice(UnlabelledStream(crops, settings, Share(1, 2)), 4)
    torch.testing.assert_close([plain for plain, _ in second], [alone[i] for i in (2, 3, 6, 7)])


def write_frames(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for seed in range(count):
        cv2.imwrite(str(folder / f"e{seed}.png"), draw_phantom(seed)[0])
    return folder


class Finding(Segmenter):
    """A segmenter whose locator takes what is not bright for an embryo, in frames that are not flat."""

    def locate_batch(self, squares: Any) -> np.ndarray:
        stack = np.stack(squares).astype(np.float32)
        return ((stack < 110) & (stack.std(axis=(1, 2), keepdims=True) > 1)).astype(np.float32)


@pytest.fixture
def finding(tiny_model: Path) -> Finding:
    return Finding(load_card(tiny_model), "cpu")


def test_frames_are_cut_around_the_embryo_as_a_run_cuts_them(tmp_path: Path, finding: Finding) -> None:
    told: list[str] = []
    frames = read_unlabelled([write_frames(tmp_path / "night")], job_with(), finding, told.append)
    assert {crop.shape for crop in frames.crops} == {(64, 64)}
    assert (frames.card.images, frames.card.groups) == (3, 3)
    joined = b"".join(crop.tobytes() for crop in frames.crops)
    assert frames.card.sha256 == hashlib.sha256(joined).hexdigest()
    assert told == ["unlabelled: 3 frames of 3 embryos"]


def test_frames_that_cannot_be_used_are_left_out_and_said_to_be(tmp_path: Path, finding: Finding) -> None:
    night = write_frames(tmp_path / "night")
    cv2.imwrite(str(night / "empty.png"), np.full((96, 96), 90, np.uint8))
    (night / "broken.png").write_bytes(b"no picture")
    told: list[str] = []
    frames = read_unlabelled([night], job_with(), finding, told.append)
    assert frames.card.images == 3
    assert any("broken.png" in line for line in told)
    assert any("1 frame in which no embryo was found" in line for line in told)


def test_of_many_frames_so_many_are_taken_as_the_recipe_says(tmp_path: Path, finding: Finding) -> None:
    told: list[str] = []
    night = write_frames(tmp_path / "night", 5)
    frames = read_unlabelled([night], job_with(max_frames=2), finding, told.append)
    assert frames.card.images == 2
    assert told == ["unlabelled: 2 frames of 2 embryos, chosen from 5"]
    again = read_unlabelled([night], job_with(max_frames=2), finding, told.append)
    assert again.card.sha256 == frames.card.sha256


@pytest.mark.parametrize("night", NIGHTS, ids=lambda path: path.name)
def test_folders_and_videos_are_read_as_a_run_reads_them(night: Path) -> None:
    if not night.exists():
        pytest.skip(f"{night.name} is not on this machine")
    if "starter" not in available_weights():
        pytest.skip("the starter weights are not in this checkout")
    segmenter = Segmenter(load_card("starter"), "cpu")
    frames = read_unlabelled([night], job_with(max_frames=3), segmenter, print)
    assert frames.card.images == 3
    assert all(crop.std() > 5 for crop in frames.crops)


def test_folders_without_frames_or_embryos_are_refused(tmp_path: Path, finding: Finding) -> None:
    with pytest.raises(InputNotFoundError, match="nowhere"):
        read_unlabelled([tmp_path / "nowhere"], job_with(), finding, print)
    (tmp_path / "empty").mkdir()
    cv2.imwrite(str(tmp_path / "empty" / "e1.png"), np.full((96, 96), 90, np.uint8))
    with pytest.raises(DataError, match="in none of 1 frame was an embryo found"):
        read_unlabelled([tmp_path / "empty"], job_with(), finding, print)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"optimisation": {"ema_decay": 0.0}}, "ema_decay"),
        ({"unlabelled": {"confidence": 1.5}}, "confidence"),
        ({"unlabelled": {"treshold": 0.5}}, "treshold"),
        ({"unlabelled": {"most_mended": -0.1}}, "most_mended"),
    ],
)
def test_a_recipe_that_cannot_teach_is_refused(change: dict[str, Any], problem: str) -> None:
    content = labelled_recipe("starter", ema_decay=0.9)
    content["segmenter"]["unlabelled"] = {}
    for section, values in change.items():
        content["segmenter"][section] |= values
    with pytest.raises(ValidationError, match=problem):
        Recipe.model_validate(content)


def test_fda_needs_real_frames() -> None:
    content = labelled_recipe("starter", ema_decay=0.9, epochs=None, steps=2)
    content["segmenter"]["data"] = {"kind": "synthetic", "seed": 1, "fill": [0.6, 0.9]}
    content["segmenter"]["augmentation"] = {"fda": 0.01}
    with pytest.raises(ValidationError, match="fda takes tones from real frames"):
        Recipe.model_validate(content)
    content["segmenter"]["unlabelled"] = {}
    Recipe.model_validate(content)
