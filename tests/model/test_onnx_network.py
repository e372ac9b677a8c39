"""ONNX Runtime answers as torch does, is chosen where it can be, and says where it cannot."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from blastoseg.errors import (  # noqa: E402
    BlastosegError,
    DeviceError,
    EnvironmentProblemError,
    OutputError,
    UsageError,
    WeightsError,
)
from blastoseg.model import engine, onnx_network  # noqa: E402
from blastoseg.model.card import CLASSES, Card, load_card  # noqa: E402
from blastoseg.model.engine import choose_engine  # noqa: E402
from blastoseg.model.onnx_file import write_onnx  # noqa: E402
from blastoseg.model.onnx_network import OnnxNetwork  # noqa: E402
from blastoseg.model.reference import write_reference  # noqa: E402
from blastoseg.model.segmenter import Segmenter  # noqa: E402
from blastoseg.model.standardisation import standardise  # noqa: E402
from blastoseg.stages import stages_in_words  # noqa: E402

from .any_company import check_any_company  # noqa: E402

pytestmark = pytest.mark.slow


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 64, 64), dtype=np.uint8)


def with_two_sizes(folder: Path) -> Card:
    card = load_card(folder)
    return card.model_copy(
        update={"segmenter": card.segmenter.model_copy(update={"second_size": 32, "temperature": 1.3})}
    )


def test_both_engines_answer_alike_and_each_frame_the_same_in_any_company(tiny_model: Path) -> None:
    card, images = with_two_sizes(tiny_model), crops(3)
    by_torch, by_onnx = (Segmenter(card, "cpu", flips=True, engine=name) for name in ("torch", "onnx"))
    assert (by_torch.engine, by_onnx.engine) == ("torch", "onnx")
    assert "ONNX Runtime" in by_onnx.device_in_words
    answer = by_onnx.segment_batch(images)
    np.testing.assert_allclose(answer, by_torch.segment_batch(images), atol=1e-5)
    squares = list(images[:, ::2, ::2])
    np.testing.assert_allclose(by_onnx.locate_batch(squares), by_torch.locate_batch(squares), atol=1e-5)
    check_any_company(by_onnx, images, answer)


def test_a_network_that_onnx_cannot_hold_is_refused_and_left_to_torch_where_nobody_asked(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise torch.onnx.OnnxExporterError("no operator for it\nand a long story")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    card = load_card(tiny_model)
    with pytest.raises(UsageError, match=r"\(no operator for it\): use the engine torch"):
        Segmenter(card, "cpu", engine="onnx")
    with caplog.at_level(logging.WARNING, "blastoseg"):
        segmenter = Segmenter(card, "cpu", engine="auto")
    assert segmenter.engine == "torch"
    assert "torch computes it" in caplog.text
    assert "ONNX" not in segmenter.device_in_words


def test_a_graph_that_answers_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    network, other = (torch.nn.Conv2d(1, 2, 1) for _ in range(2))
    graph = onnx_network.graph_of(other, 8)
    monkeypatch.setattr(onnx_network, "graph_of", lambda *_: graph)
    with pytest.raises(UsageError, match="answers otherwise than torch"):
        OnnxNetwork(network, [8])


def test_the_cards_answer_to_the_reference_crop_holds_for_this_engine_too(tiny_model: Path) -> None:
    write_reference(tiny_model)
    card = load_card(tiny_model)
    Segmenter(card, "cpu", engine="onnx")
    assert card.reference is not None
    other = card.reference.model_copy(update={"embryo": (card.reference.embryo + 0.1) % 1})
    with pytest.raises(WeightsError, match="answers otherwise than when it was exported"):
        Segmenter(card.model_copy(update={"reference": other}), "cpu", engine="onnx")


@pytest.mark.parametrize(
    ("asked", "device", "precision", "expected"),
    [
        ("auto", "cpu", "float32", "int8"),
        ("auto", "cuda", "float32", "torch"),
        ("auto", "cpu", "bfloat16", "torch"),
        ("torch", "cpu", "float32", "torch"),
        ("onnx", "cpu", "float32", "onnx"),
        ("onnx", "cuda", "float32", DeviceError),
        ("onnx", "cpu", "bfloat16", UsageError),
        ("int8", "cpu", "float32", "int8"),
        ("int8", "cuda", "float32", DeviceError),
        ("tensorrt", "cpu", "float32", UsageError),
    ],
)
def test_the_engine_follows_what_is_asked_and_the_device(
    asked: str, device: str, precision: str, expected: str | type[BlastosegError]
) -> None:
    if isinstance(expected, str):
        assert choose_engine(asked, device, precision, has_ranges=True) == expected
    else:
        with pytest.raises(expected):
            choose_engine(asked, device, precision, has_ranges=True)


def test_without_ranges_in_the_card_no_engine_computes_in_8_bit_integers() -> None:
    assert choose_engine("auto", "cpu", "float32", has_ranges=False) == "onnx"
    with pytest.raises(UsageError, match=r"the card of these weights has none: .*training\.ranges FOLDER"):
        choose_engine("int8", "cpu", "float32", has_ranges=False)


def test_a_missing_library_is_an_error_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "onnxruntime" else name)
    assert choose_engine("auto", "cpu", "float32", has_ranges=True) == "torch"
    with pytest.raises(EnvironmentProblemError, match=r"onnxruntime: pip install 'blastoseg\[onnx\]'"):
        choose_engine("onnx", "cpu", "float32", has_ranges=True)


def test_results_of_the_engines_are_told_apart_and_those_of_torch_are_known_as_before() -> None:
    assert "engine" not in stages_in_words("torch")
    assert stages_in_words("onnx") == f"{stages_in_words('torch')}, engine onnx"


def test_an_exported_file_gives_what_the_model_gives_and_says_what_it_is(
    tiny_model: Path, tmp_path: Path
) -> None:
    card, images = with_two_sizes(tiny_model), crops(2)
    path = tmp_path / "tiny.onnx"
    assert "probabilities of icm" in write_onnx(card, "segmenter", path)
    prepared = np.stack([standardise(image) for image in images])[:, None]
    session = onnxruntime.InferenceSession(path)
    answer = np.concatenate([session.run(None, {"image": one[None]})[0] for one in prepared])
    np.testing.assert_allclose(answer, Segmenter(card, "cpu").segment_batch(images), atol=1e-5)
    about = {one.key: one.value for one in onnx.load(path).metadata_props}
    assert about["channels"] == ",".join(CLASSES)
    assert about["weights_sha256"] == card.sha256
    with pytest.raises(OutputError, match="is there already"):
        write_onnx(card, "locator", path)
    assert "main, other" in write_onnx(card, "locator", tmp_path / "locator.onnx")
    with pytest.raises(UsageError, match="segmenter, locator"):
        write_onnx(card, "decoder", tmp_path / "decoder.onnx")
