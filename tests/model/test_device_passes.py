"""The way over a device with memory of its own, walked on the CPU, and how many images go at once."""

import threading
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from blastoseg.model.batches import SIZES, Timed, choose_batch_size  # noqa: E402
from blastoseg.model.card import load_card  # noqa: E402
from blastoseg.model.device_passes import DevicePasses, standardised, time_pass  # noqa: E402
from blastoseg.model.segmenter import Segmenter  # noqa: E402
from blastoseg.model.standardisation import standardise  # noqa: E402


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 64, 64), dtype=np.uint8)


@pytest.mark.parametrize("flips", [True, "unsure"])
def test_images_that_are_standardised_on_the_device_get_the_labels_of_the_others(
    tiny_model: Path, flips: bool
) -> None:
    segmenter = Segmenter(load_card(tiny_model), "cpu", flips=flips)
    images = [*crops(5), crops(1)[0].astype(np.uint16) * 200, np.full((64, 64), 9, np.uint8)]
    squares = [image[::2, ::2] for image in images]
    expected, located = segmenter.segment_batch(images), segmenter.locate_batch(squares)
    segmenter._on_device = DevicePasses(torch.device("cpu"), "float32")
    answers: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        answers[number] = segmenter.segment_batch(images)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    for answer in answers.values():
        np.testing.assert_array_equal(answer, answers[0])
        np.testing.assert_array_equal(answer.argmax(axis=1), expected.argmax(axis=1))
        np.testing.assert_allclose(answer, expected, atol=1e-5)
    np.testing.assert_allclose(segmenter.locate_batch(squares), located, atol=1e-5)


def test_memory_that_runs_out_on_the_way_halves_the_pass(tiny_model: Path, monkeypatch) -> None:
    segmenter = Segmenter(load_card(tiny_model), "cpu")
    expected = segmenter.segment_batch(crops(5))
    segmenter._on_device = DevicePasses(torch.device("cpu"), "float32")
    whole_pass = segmenter._segment

    def cramped(images: "torch.Tensor") -> "torch.Tensor":
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole_pass(images)

    monkeypatch.setattr(segmenter, "_segment", cramped)
    np.testing.assert_allclose(segmenter.segment_batch(crops(5)), expected, atol=1e-5)
    assert segmenter._passes["segment"] == 2
    assert time_pass(segmenter._on_device, crops(4), cramped, torch.device("cpu")) is None


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_images_are_standardised_there_as_here(kind: type) -> None:
    images = (np.random.default_rng(2).random((3, 40, 40)) * 250).astype(kind)
    images[1] = 7
    there = standardised(torch.from_numpy(images.astype(np.float32))[:, None])[:, 0].numpy()
    np.testing.assert_allclose(there, [standardise(image) for image in images], atol=1e-5)


def test_a_batch_is_as_large_as_pays_and_as_memory_holds() -> None:
    def paying(until: int, peak: int = 1):
        return lambda size: Timed(max(size, until) / until, size * peak)

    assert choose_batch_size(paying(32), 10**9, 2) == 32
    assert choose_batch_size(paying(10**6), 10**9, 2) == SIZES[-1]
    assert choose_batch_size(paying(10**6, peak=10), 4 * 10 * 16, 2) == 16
    assert choose_batch_size(lambda size: Timed(1, 1) if size < 32 else None, 10**9, 2) == 16
    assert choose_batch_size(lambda _size: None, 10**9, 2) == SIZES[0]
