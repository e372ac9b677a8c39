"""Frames without labels: how they are read, what a teacher says of them, when its labels are worthless."""

import hashlib
import math
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("lightning")
import torch
from torch import Tensor, nn

from blastoseg.errors import DataError, InputNotFoundError
from blastoseg.model.card import ListCard, load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.tissues import BACKGROUND, CHANNEL_OF_LABEL, ICM
from blastoseg.training.collapse import collapse_of
from blastoseg.training.data import Share, UnlabelledStream
from blastoseg.training.loss import UNUSED, pseudo_label_loss, segmentation_loss
from blastoseg.training.recipe import Job, LossTerms, Recipe
from blastoseg.training.recipe_data import Augmentation
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.training.teacher import Teaching, pseudo_labels
from blastoseg.training.unlabelled import read_unlabelled

from .conftest import draw_phantom, labelled_recipe

CARD = ListCard(images=1, groups=1, sha256="0")
FRAMES = Path(__file__).resolve().parents[2] / "examples" / "day5"


def job_with(**unlabelled: Any) -> Job:
    content = labelled_recipe("starter", ema_decay=0.9)
    content["segmenter"]["unlabelled"] = unlabelled
    return Recipe.model_validate(content | {"start_from": "starter"}).segmenter


class Saying(nn.Module):
    """A teacher that is sure of the channels that a frame's gray values are; ``sureness`` is the logit."""

    def __init__(self, channels: np.ndarray, sureness: float = 10.0) -> None:
        super().__init__()
        self.frames = torch.from_numpy(channels.astype(np.float32))[None, None].expand(2, -1, -1, -1)
        self.sureness = sureness

    def forward(self, image: Tensor) -> list[Tensor]:
        return [nn.functional.one_hot(image[:, 0].round().long(), 5).movedim(-1, 1).float() * self.sureness]


def phantom_channels() -> np.ndarray:
    return np.asarray(CHANNEL_OF_LABEL)[draw_phantom(1)[1]]


def said(teacher: Saying, settings: Unlabelled, temperature: float = 1.0) -> Any:
    return pseudo_labels(teacher, teacher.frames, Teaching(settings, temperature, CARD))


def test_a_sound_embryo_is_learnt_from_as_the_teacher_says() -> None:
    channels = phantom_channels()
    labels = said(Saying(channels), Unlabelled())
    counts = labels.channels[0].numpy()
    np.testing.assert_array_equal(counts[counts != UNUSED], channels[counts != UNUSED])
    assert labels.used > 0.97
    assert sum(labels.shares) == pytest.approx(1)
    assert labels.shares[ICM.channel] == pytest.approx((channels == ICM.channel).mean(), abs=0.005)


def test_what_the_anatomy_changed_in_a_frame_is_not_learnt() -> None:
    channels = phantom_channels()
    channels[4:8, 4:8] = ICM.channel
    labels = said(Saying(channels), Unlabelled(most_mended=0.2)).channels[0]
    assert (labels[4:8, 4:8] == UNUSED).all()
    assert (labels[20:76, 20:76] != UNUSED).float().mean() > 0.95


def test_a_frame_that_the_anatomy_had_to_mend_much_does_not_count() -> None:
    channels = phantom_channels()
    channels[4:16, 4:16] = ICM.channel
    mended = 144 / np.count_nonzero(channels != BACKGROUND.channel)
    assert said(Saying(channels), Unlabelled(most_mended=mended / 2)).used == 0
    assert said(Saying(channels), Unlabelled(most_mended=mended * 2)).used > 0.9


def test_the_teacher_looks_at_mirrored_copies_as_a_run_does() -> None:
    seen: list[Tensor] = []

    def look(image: Tensor) -> list[Tensor]:
        seen.append(image)
        return [torch.randn(len(image), 5, *image.shape[-2:])]

    teacher = type("Looking", (nn.Module,), {"forward": lambda _, image: look(image)})()
    frame = torch.randn(1, 1, 64, 64)
    pseudo_labels(teacher, frame, Teaching(Unlabelled(), 1.0, CARD, second_side=48))
    assert [image.shape[-1] for image in seen] == [64, 64, 48, 48]
    torch.testing.assert_close(seen[1], frame.flip([2, 3]))


def test_a_frame_without_tissue_does_not_count() -> None:
    nothing = np.full((96, 96), BACKGROUND.channel)
    labels = said(Saying(nothing), Unlabelled())
    assert labels.used == 0
    assert labels.shares[BACKGROUND.channel] == 1


def test_the_confidence_is_scaled_by_the_temperature() -> None:
    """A logit of 4 beside four of 0 is 93 %; at temperature 2 it is 65 %."""
    teacher = Saying(phantom_channels(), 4.0)
    assert math.exp(4) / (math.exp(4) + 4) == pytest.approx(0.93, abs=0.005)
    assert said(teacher, Unlabelled(confidence=0.9)).used > 0.9
    assert said(teacher, Unlabelled(confidence=0.9), temperature=2.0).used == 0
    assert said(teacher, Unlabelled(confidence=0.6), temperature=2.0).used > 0.9


def test_the_teacher_labels_in_evaluation_mode_and_learns_nothing_by_it() -> None:
    teacher = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 5, 1)).train()
    listed = type("Listed", (nn.Module,), {"forward": lambda self, image: [teacher(image)]})()
    listed.inner = teacher
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    labels = pseudo_labels(listed, torch.randn(2, 1, 32, 32) + 3, Teaching(Unlabelled(), 1.0, CARD))
    assert not labels.channels.is_floating_point()
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_the_loss_of_the_frames_is_the_papers_over_the_pixels_that_count() -> None:
    torch.manual_seed(1)
    maps = [torch.randn(2, 5, 16, 16), torch.randn(2, 5, 8, 8)]
    target = torch.randint(0, 5, (2, 16, 16))
    terms = LossTerms(level_weights=(2.0, 1.0))
    whole = pseudo_label_loss(maps, target, terms)
    torch.testing.assert_close(whole, segmentation_loss(maps, target, terms))
    half = target.clone()
    half[1] = UNUSED
    first = segmentation_loss([one[:1] for one in maps], target[:1], terms)
    torch.testing.assert_close(pseudo_label_loss(maps, half, terms), first / 2)
    assert pseudo_label_loss(maps, torch.full_like(target, UNUSED), terms) == 0


def test_the_weight_grows_from_nearly_nothing_to_the_recipes() -> None:
    settings = Unlabelled(weight=2.0, ramp_up_steps=10)
    weights = [settings.weight_at(step) for step in range(12)]
    assert weights == sorted(weights)
    assert weights[0] == pytest.approx(2 * math.exp(-5))
    assert weights[10:] == [2.0, 2.0]
    assert Unlabelled(ramp_up_steps=0).weight_at(0) == 1


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


def rows_of(*parts: tuple[int, tuple[float, ...]]) -> list[tuple[float, ...]]:
    """So many steps of (used, ICM, blastocoel, TE, ZP, background) each."""
    flat = [shares for count, shares in parts for _ in range(count)]
    return [(float(step), *shares) for step, shares in enumerate(flat, start=1)]


SOUND = (0.8, 0.05, 0.2, 0.1, 0.1, 0.55)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ((0.8, 0.04, 0.17, 0.08, 0.1, 0.61), ""),
        ((0.8, 0.02, 0.05, 0.05, 0.1, 0.78), "blastocyst covers 12.00%"),
        ((0.8, 0.0, 0.25, 0.1, 0.1, 0.55), "Inner cell mass covers 0.00%"),
        ((0.8, 0.05, 0.28, 0.015, 0.1, 0.55), "Trophectoderm covers 1.50%"),
        ((0.0, 0.05, 0.2, 0.1, 0.1, 0.55), "no pixel of the unlabelled frames was used"),
    ],
)
def test_a_collapse_is_said_by_the_tissue_that_is_lost(last: tuple[float, ...], words: str) -> None:
    settings = Unlabelled(watched_steps=5)
    assert collapse_of(rows_of((4, last)), settings) == ""
    told = collapse_of(rows_of((10, SOUND), (5, last)), settings)
    assert (words in told) if words else not told
    assert not told or "step 15" in told


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
