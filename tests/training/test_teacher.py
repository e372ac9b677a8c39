"""What a teacher says of frames without labels, and which of it is learnt."""

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("lightning")
import torch
from torch import Tensor, nn

from blastoseg.tissues import BACKGROUND, CHANNEL_OF_LABEL, ICM
from blastoseg.training.loss import UNUSED, pseudo_label_loss, segmentation_loss
from blastoseg.training.recipe_optimisation import LossTerms
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.training.teacher import Teaching, pseudo_labels

from .conftest import draw_phantom


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
    return pseudo_labels(teacher, teacher.frames, Teaching(settings, temperature))


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
    pseudo_labels(teacher, frame, Teaching(Unlabelled(), 1.0, second_side=48))
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
    labels = pseudo_labels(listed, torch.randn(2, 1, 32, 32) + 3, Teaching(Unlabelled(), 1.0))
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
