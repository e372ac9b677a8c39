"""The segmenter: what goes in, what comes out, and that neither neighbours nor memory change it."""

import logging
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from blastoseg.errors import DeviceError  # noqa: E402
from blastoseg.model.card import load_card  # noqa: E402
from blastoseg.model.devices import choose_device, devices_named, is_out_of_memory  # noqa: E402
from blastoseg.model.segmenter import Segmenter  # noqa: E402
from blastoseg.model.standardisation import standardise  # noqa: E402
from blastoseg.sources.addresses import WholeImage  # noqa: E402


@pytest.fixture
def segmenter(tiny_model: Path) -> Segmenter:
    return Segmenter(load_card(tiny_model), "cpu")


def crops(count: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, side, side), dtype=np.uint8)


def test_probabilities_sum_to_one_at_the_input_size(segmenter: Segmenter) -> None:
    answer = segmenter.segment_batch(crops(3))
    assert answer.shape == (3, 5, 64, 64)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)


def test_a_frame_answers_the_same_alone_and_in_any_company(segmenter: Segmenter) -> None:
    images = crops(7)
    together = segmenter.segment_batch(images)
    for index, image in enumerate(images):
        np.testing.assert_array_equal(segmenter.segment_batch([image])[0], together[index])
    np.testing.assert_array_equal(segmenter.segment_batch(images[::-1])[::-1], together)


def test_brightness_and_bit_depth_do_not_matter(segmenter: Segmenter) -> None:
    dark = crops(1) // 4 + 20
    reference = segmenter.segment_batch(dark)
    for other in (dark + 60, dark.astype(np.uint16) * 200, dark / 255.0):
        np.testing.assert_allclose(segmenter.segment_batch(other), reference, atol=1e-4)


def test_a_constant_crop_gives_finite_probabilities(segmenter: Segmenter) -> None:
    for value in (0, 255):
        assert np.isfinite(segmenter.segment_batch(np.full((1, 64, 64), value, np.uint8))).all()
    assert not standardise(np.full((4, 4), 65535, np.uint16)).any()


def test_flips_make_the_answer_mirror_with_the_image(tiny_model: Path) -> None:
    segmenter = Segmenter(load_card(tiny_model), "cpu", flips=True)
    image = crops(1)
    mirrored = segmenter.segment_batch(np.ascontiguousarray(image[:, :, ::-1]))
    np.testing.assert_allclose(mirrored[..., ::-1], segmenter.segment_batch(image), atol=1e-5)


def test_with_a_second_size_flips_see_two_mirrorings_at_each_size(tiny_model: Path) -> None:
    card = load_card(tiny_model)
    two_sizes = card.segmenter.model_copy(update={"second_size": 32})
    segmenter = Segmenter(card.model_copy(update={"segmenter": two_sizes}), "cpu", flips=True)
    network, sides = segmenter._network.predict, []
    segmenter._network.predict = lambda x: sides.append(x.shape[-1]) or network(x)  # type: ignore[method-assign]
    image = crops(1)
    answer = segmenter.segment_batch(image)
    assert sorted(sides) == [32, 32, 64, 64]
    assert answer.shape == (1, 5, 64, 64)
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)
    turned = segmenter.segment_batch(np.ascontiguousarray(image[:, ::-1, ::-1]))
    np.testing.assert_allclose(turned[..., ::-1, ::-1], answer, atol=1e-5)


def test_a_crop_of_another_size_is_refused(segmenter: Segmenter) -> None:
    with pytest.raises(ValueError, match=r"\(64, 64\)"):
        segmenter.segment_batch(crops(1, side=32))


def test_the_locator_answers_with_one_map_a_frame(segmenter: Segmenter) -> None:
    answer = segmenter.locate_batch(list(crops(5, side=32)))
    assert answer.shape == (5, 32, 32)
    assert ((answer >= 0) & (answer <= 1)).all()


def test_batch_norms_are_folded_once_in_each_network(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from blastoseg.model.architectures import encoder, inference

    fold, folded = encoder.fold_batch_norms, []
    for place in (encoder, inference):
        monkeypatch.setattr(
            place, "fold_batch_norms", lambda network: folded.append(network) or fold(network)
        )
    Segmenter(load_card(tiny_model), "cpu")
    assert [type(network).__name__ for network in folded] == ["I2CNet", "Locator"]


def test_the_cards_threshold_is_the_one_that_locates(tiny_model: Path) -> None:
    from blastoseg.records import Frame, FrameRef
    from blastoseg.stages import segment_frames

    card = load_card(tiny_model)
    frame = Frame(FrameRef("E1", "a.png", Path("a.png"), 0, WholeImage()), crops(1, side=200)[0])
    y, x = np.mgrid[:32, :32]
    disc = np.clip(1 - np.hypot(y - 15.5, x - 15.5) / 16, 0, 1).astype(np.float32)[None]
    sides = []
    for threshold in (0.3, 0.6):
        locator = card.locator.model_copy(update={"threshold": threshold})
        segmenter = Segmenter(card.model_copy(update={"locator": locator}), "cpu")
        segmenter.locate_batch = lambda _squares: disc  # type: ignore[method-assign]
        (segmented,) = segment_frames([frame], segmenter)
        assert segmented.location.box is not None
        sides.append(segmented.location.box.side)
    assert sides[0] > sides[1]


def test_running_out_of_memory_halves_the_pass_and_goes_on(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = segmenter.segment_batch(crops(5))
    whole_pass = segmenter._segment

    def cramped(images: "torch.Tensor") -> "torch.Tensor":
        if len(images) > 2:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return whole_pass(images)

    monkeypatch.setattr(segmenter, "_segment", cramped)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_allclose(segmenter.segment_batch(crops(5)), expected, atol=1e-5)
    assert "continuing with 2" in caplog.text


def test_memory_that_does_not_hold_one_image_is_an_error_of_the_device(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_images: "torch.Tensor") -> "torch.Tensor":
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(segmenter, "_segment", full)
    with pytest.raises(DeviceError, match="single image"):
        segmenter.segment_batch(crops(2))


def test_other_errors_of_torch_are_not_taken_for_memory(
    segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_images: "torch.Tensor") -> "torch.Tensor":
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(segmenter, "_segment", broken)
    with pytest.raises(RuntimeError, match="size mismatch"):
        segmenter.segment_batch(crops(2))
    assert not is_out_of_memory(RuntimeError("size mismatch"))


def test_a_gpu_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="--device cpu"):
        choose_device("cuda")
    with pytest.raises(DeviceError, match="auto, cpu, cuda or one of those here: cpu"):
        choose_device("gpu")
    assert choose_device("auto").type == "cpu"


def test_devices_are_named_one_by_one_or_all_and_one_that_is_missing_is_answered_with_those_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert devices_named("cpu, cpu") == ("cpu", "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "a card")
    assert devices_named("all") == devices_named("cuda:0,cuda:1") == ("cuda:0", "cuda:1")
    assert devices_named("auto") == ("auto",)
    with pytest.raises(DeviceError, match=r"no device cuda:2 .*cuda:0 \(a card\), cuda:1 \(a card\)"):
        devices_named("cuda:1,cuda:2")
    for mixed in ("cpu,cuda:0", "auto,cuda:1"):
        with pytest.raises(DeviceError, match=mixed):
            devices_named(mixed)
