"""Samples moved about on the device are moved alike with their labels, in an order that can be resumed."""

from itertools import islice

import pytest

pytest.importorskip("lightning")
import numpy as np
import torch

from blastoseg.training.data import WHOLE, LabelledStream, Share
from blastoseg.training.device_data import DeviceBatches, move, moves_of
from blastoseg.training.recipe import Job, Recipe
from blastoseg.training.recipe_data import Augmentation
from blastoseg.training.sample import Sample
from tests.training.conftest import SIDE, draw_phantom, labelled_recipe

CPU = torch.device("cpu")


def job(**augmentation: object) -> Job:
    content = labelled_recipe("none", on_device=True)
    content["segmenter"]["augmentation"] = augmentation
    return Recipe.model_validate(content).segmenter


def samples(count: int = 5) -> list[Sample]:
    return [Sample(*draw_phantom(seed)) for seed in range(count)]


def first(batches: DeviceBatches, count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(islice(batches, count))


def test_without_any_move_a_sample_or_its_mirror_image_comes_as_the_stream_gives_it() -> None:
    still = job(quarter_turns=False)
    stream = islice(LabelledStream(samples(), still), 8)
    ours = first(DeviceBatches(samples(), still, WHOLE, CPU), 4)
    images, truths = (torch.cat(parts) for parts in zip(*ours, strict=True))
    assert truths.dtype == torch.uint8
    assert images.shape == (8, 1, SIDE, SIDE)
    for image, truth, (expected, labels) in zip(images, truths, stream, strict=True):
        mirrored = not torch.equal(truth, labels)
        assert torch.equal(truth.flip(-1) if mirrored else truth, labels)
        torch.testing.assert_close(image.flip(-1) if mirrored else image, expected, atol=1e-4, rtol=1e-4)


def test_a_resumed_training_goes_on_with_the_batches_that_were_next() -> None:
    moving = job(scale=[0.5, 2.0], random_crop=True, rotation_deg=15)
    whole = first(DeviceBatches(samples(), moving, WHOLE, CPU), 4)
    rest = first(DeviceBatches(samples(), moving, Share(batches_done=2), CPU), 2)
    for before, again in zip(whole[2:], rest, strict=True):
        assert all(map(torch.equal, before, again))


def test_a_sample_is_scaled_turned_and_kept_whole_where_there_is_room() -> None:
    image, labels = draw_phantom(1)
    images, truths = torch.from_numpy(image)[None, None].float(), torch.from_numpy(labels)[None, None]
    settings = Augmentation(quarter_turns=True, scale=(0.5, 0.5), random_crop=True, rotation_deg=15)
    for seed in range(6):
        moves = moves_of(settings, 1, torch.Generator().manual_seed(seed))
        moved, channels = move(images, truths, moves)
        assert float(moved.mean()) == pytest.approx(0, abs=1e-4)
        assert float(moved.std()) == pytest.approx(1, abs=1e-3)
        for value in range(1, 5):
            share = np.count_nonzero(channels == value) / np.count_nonzero(labels == value)
            assert share == pytest.approx(0.25, rel=0.12), value


def test_what_cannot_be_done_on_the_device_is_refused_by_its_key() -> None:
    with pytest.raises(ValueError, match=r"augmentation\.noise is not done on the device"):
        job(noise=0.1)
