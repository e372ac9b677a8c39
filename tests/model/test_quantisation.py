"""Convolutions in 8-bit integers answer nearly as in numbers, and what is no such graph is refused."""

import logging
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from blastoseg.errors import UsageError, WeightsError  # noqa: E402
from blastoseg.model.card import Card, load_card  # noqa: E402
from blastoseg.model.onnx_network import graph_of, session_of  # noqa: E402
from blastoseg.model.planned import plan_networks  # noqa: E402
from blastoseg.model.quantisation import ConvRange, in_eight_bits  # noqa: E402
from blastoseg.model.segmenter import Segmenter  # noqa: E402
from blastoseg.training.ranges import conv_ranges, quantisation_of, write_ranges  # noqa: E402

from .any_company import check_any_company  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1, bias=False),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(16, 3, 1),
    )


def images(count: int = 6) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(count, 1, 1, 16, 16)).astype(np.float32)


def answers(graph: bytes, given: np.ndarray) -> np.ndarray:
    session = session_of(graph, threads=1)
    return np.concatenate([session.run(None, {"image": image})[0] for image in given])


def test_a_range_holds_what_goes_into_a_convolution_and_what_comes_out(network: nn.Module) -> None:
    given = images(1)
    first, second, *_ = conv_ranges(graph_of(network, 16), given)
    with torch.no_grad():
        before = network[0](torch.from_numpy(given[0]))
        after = network[2](network[1](before))
    # Of 256 values and of their multiples every seventh is looked at, and none of so few is left outside.
    assert first[:2] == (pytest.approx(given.ravel()[::7].min()), pytest.approx(given.ravel()[::7].max()))
    assert first.out_high == pytest.approx(float(before.ravel()[::7].max()))
    assert second.in_low == 0
    assert second.out_low == pytest.approx(float(after.ravel()[::7].min()))


def test_integers_answer_as_numbers_do_within_their_steps(network: nn.Module) -> None:
    graph, given = graph_of(network, 16), images()
    integers = in_eight_bits(graph, conv_ranges(graph, given))
    expected, found = answers(graph, given), answers(integers, given)
    spread = expected.max() - expected.min()
    assert np.abs(found - expected).max() < 0.05 * spread
    assert np.abs(found - expected).mean() < 0.005 * spread
    assert not np.array_equal(found, expected)
    kinds = [node.op_type for node in onnx.load_from_string(integers).graph.node]
    # Input and output of the two wide convolutions but once each, weights, and the one bias that is wide.
    assert kinds.count("QuantizeLinear") == 4
    constants = onnx.load_from_string(integers).graph.initializer
    weights = [tensor for tensor in constants if tensor.data_type == onnx.TensorProto.INT8]
    assert max(np.abs(onnx.numpy_helper.to_array(one).astype(int)).max() for one in weights) <= 63


def test_what_lies_outside_of_a_range_is_cut_off(network: nn.Module) -> None:
    graph, given = graph_of(network, 16), images()
    integers = in_eight_bits(graph, conv_ranges(graph, given))
    at_the_end, far_outside = (answers(integers, given * factor) for factor in (100, 10_000))
    inner = np.abs(answers(graph, given)).max()
    assert np.abs(far_outside).max() < 10 * inner
    np.testing.assert_allclose(far_outside, at_the_end, atol=inner)


def test_the_ranges_of_another_network_are_refused(network: nn.Module) -> None:
    with pytest.raises(UsageError, match="ranges of 1 convolutions, this network's graph has 4"):
        in_eight_bits(graph_of(network, 16), [ConvRange(0, 1, 0, 1)])


@pytest.fixture
def quantised(tiny_model: Path) -> Card:
    card = load_card(tiny_model)
    crops = np.random.default_rng(1).integers(0, 256, (4, 64, 64), dtype=np.uint8)
    return card.model_copy(update={"quantisation": quantisation_of(card, list(crops))})


def test_a_model_with_ranges_is_computed_in_integers_each_frame_the_same_in_any_company(
    quantised: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blastoseg.model.onnx_network.LEAST_AGREEMENT", 0.5)
    by_torch = Segmenter(quantised, "cpu", flips=True)
    by_integers = Segmenter(quantised, "cpu", flips=True, engine="auto")
    assert by_integers.engine == "int8"
    assert "8-bit integers" in by_integers.device_in_words
    planned = plan_networks(quantised, "cpu", "auto")
    assert (by_integers.precision, planned.precision, by_torch.precision) == ("int8", "int8", "float32")
    crops = np.random.default_rng(5).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    answer = by_integers.segment_batch(crops)
    assert np.abs(answer - by_torch.segment_batch(crops)).mean() < 0.02
    check_any_company(by_integers, crops, answer)


def test_weights_whose_answer_integers_move_too_far_are_left_to_numbers_and_not_called_damaged(
    quantised: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blastoseg.model.onnx_network.LEAST_AGREEMENT", 0.5)
    by_numbers = Segmenter(quantised, "cpu", engine="onnx").reference_answer()
    monkeypatch.setattr("blastoseg.model.reference.TOLERANCE", 1e-4)
    card = quantised.model_copy(update={"reference": by_numbers})
    assert Segmenter(card, "cpu", engine="auto").engine == "onnx"
    with pytest.raises(UsageError, match="8-bit integers move a tissue's mean probability"):
        Segmenter(card, "cpu", engine="int8")
    other = quantised.model_copy(update={"reference": by_numbers.model_copy(update={"embryo": 0.99})})
    with pytest.raises(WeightsError, match="answers otherwise than when it was exported"):
        Segmenter(other, "cpu", engine="int8")


def test_integers_that_label_otherwise_are_refused_and_left_to_numbers_where_nobody_asked(
    quantised: Card, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blastoseg.model.onnx_network.LEAST_AGREEMENT", 1.01)
    with pytest.raises(UsageError, match="of the reference crop's pixels the same tissue"):
        Segmenter(quantised, "cpu", engine="int8")
    with caplog.at_level(logging.WARNING, "blastoseg"):
        segmenter = Segmenter(quantised, "cpu", engine="auto")
    assert segmenter.engine == "onnx"
    assert "onnx computes it" in caplog.text


def test_a_card_gets_its_ranges_once_and_is_another_then(tiny_model: Path) -> None:
    before = load_card(tiny_model)
    write_ranges(tiny_model)
    after = load_card(tiny_model)
    assert after.has_ranges
    assert not before.has_ranges
    assert after.fingerprint != before.fingerprint
    with pytest.raises(WeightsError, match=r"has ranges already: take \[quantisation\] out"):
        write_ranges(tiny_model)
    text = (tiny_model / "card.toml").read_text("utf-8")
    (tiny_model / "card.toml").write_text(
        text.partition("ranges = ")[0] + "ranges = [[1.0, 0.0, 0.0, 1.0]]\ncrops = 1\n", "utf-8"
    )
    with pytest.raises(WeightsError, match="the lower end before the upper"):
        load_card(tiny_model)
