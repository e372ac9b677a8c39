"""A model's network as an ONNX file, for programs of others; its metadata say what it is."""

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.errors import EnvironmentProblemError, OutputError, UsageError
from blastoseg.files import replace_atomically
from blastoseg.model.architectures.contract import Predicting
from blastoseg.model.card import CLASSES, LOCATOR_OUTPUTS, Card
from blastoseg.model.engine import missing_libraries
from blastoseg.model.loading import load_locator, load_network
from blastoseg.model.onnx_network import TOLERANCE, forward_of, graph_of, session_of
from blastoseg.model.reference import reference_crop
from blastoseg.model.segmenter import Segmenter
from blastoseg.model.standardisation import standardise

NetworkKind = Literal["segmenter", "locator"]
PREPARATION = "one gray channel, less its mean, over its standard deviation (zeros for a constant image)"


def write_onnx(card: Card, kind: str, path: Path) -> str:
    """Write one network of a model to ``path``, whole or not at all; returns what was written, in words.

    ``image`` ``(1, 1, side, side)``, float32, becomes ``answer`` ``(1, channels, side, side)``: calibrated
    probabilities. The graph is held against torch before it is written. Raises UsageError for an unknown kind
    or a network that ONNX cannot hold, EnvironmentProblemError without the extra ``onnx``, WeightsError for a
    damaged model, OutputError where there is such a file already or the disk refuses.
    """
    if kind not in get_args(NetworkKind):
        raise UsageError(f"unknown network {kind!r}: choose one of {', '.join(get_args(NetworkKind))}")
    if missing := missing_libraries():
        raise EnvironmentProblemError(f"ONNX needs {', '.join(missing)}: pip install 'blastoseg[onnx]'")
    if path.exists():
        raise OutputError(f"{path}: is there already: give another file")
    Segmenter(card, "cpu")  # holds both networks against the card's answer to the reference crop
    side = (card.segmenter if kind == "segmenter" else card.locator).input_size
    graph = _described(_checked_graph(card, kind, side), card, kind)
    try:
        with replace_atomically(path) as temporary:
            temporary.write_bytes(graph)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}): choose another place") from error
    channels = ", ".join(CLASSES if kind == "segmenter" else LOCATOR_OUTPUTS)
    return (
        f"{kind} of {card.name} {card.version}, {len(graph) / 1e6:.1f} MB: image (1, 1, {side}, {side}) to "
        f"probabilities of {channels}"
    )


def _checked_graph(card: Card, kind: str, side: int) -> bytes:
    """The graph, its answer to the reference crop held against torch's."""
    network: Predicting | nn.Module
    if kind == "segmenter":
        network = card.segmenter.configuration.prepare(load_network(card))
    else:
        network = card.locator.configuration.prepare(load_locator(card))

    def finish(logits: Tensor) -> Tensor:
        if kind == "locator":
            return torch.sigmoid(logits)
        return torch.softmax(logits / card.segmenter.temperature, dim=1)

    graph = graph_of(network, side, finish)
    image = standardise(reference_crop(side))[None, None]
    [answer] = session_of(graph, threads=1).run(None, {"image": image})
    with torch.inference_mode():
        expected = finish(forward_of(network)(torch.from_numpy(image))).numpy()
    off = float(abs(answer - expected).max())
    if not off <= TOLERANCE:
        raise UsageError(f"{card.name}: its {kind} answers otherwise as ONNX than in torch (by {off:.2g})")
    return graph


def _described(graph: bytes, card: Card, kind: str) -> bytes:
    """The graph with what a reader of the file must know, checked by the rules of ONNX."""
    import onnx  # noqa: PLC0415  an extra

    model = onnx.load_model_from_string(graph)
    model.producer_name, model.producer_version = "blastoseg", __version__
    model.doc_string = f"{card.description} {RESEARCH_USE_ONLY}"
    about = {
        "model": f"{card.name} {card.version}",
        "network": kind,
        "weights_sha256": card.sha256,
        "model_fingerprint": card.fingerprint,
        "image": PREPARATION,
        "answer": "probabilities, channels in the order of `channels`",
        "channels": ",".join(CLASSES if kind == "segmenter" else LOCATOR_OUTPUTS),
        "limits": "; ".join(card.limits),
        "notice": RESEARCH_USE_ONLY,
    }
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    written: bytes = model.SerializeToString()
    return written
