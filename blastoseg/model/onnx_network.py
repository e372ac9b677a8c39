"""A network as an ONNX graph, and a network that ONNX Runtime computes.

The graph is made from the network that is loaded, in under a second, and kept in memory: a model's folder may
be read-only, and a graph that lay beside its weights could belong to others.
"""

import io
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from blastoseg.errors import UsageError
from blastoseg.model.architectures.contract import Predicting
from blastoseg.model.quantisation import ConvRange, in_eight_bits
from blastoseg.model.reference import reference_crop
from blastoseg.model.standardisation import standardise

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

OPSET = 18
"""Version of ONNX's operators, published in 2022-12: every runtime of today reads it."""
TOLERANCE = 1e-3
"""Largest difference from torch's logits, over the largest logit: rounding gives 1e-6."""
LEAST_AGREEMENT = 0.97
"""Share of the reference crop's pixels to which 8-bit integers must give the same channel."""

OUT_OF_MEMORY = "Failed to allocate memory"
"""What ONNX Runtime says of it."""

Forward = Callable[[Tensor], Tensor]


class OnnxNetwork:
    """Computes what the torch network computes that it is made from, within rounding; on the CPU.

    ``sides`` are the sides of the images that it will be asked for. With ``ranges`` of its convolutions these
    compute in 8-bit integers, and its answers are near the torch network's. Images are computed one by one:
    what one needs stays in the cache, and a graph of one image holds for every network. An answer depends
    neither on the other images of a call nor on the number of threads, which is torch's. May be called from
    several threads.
    Raises UsageError where the network cannot be written as a graph, or the graph answers otherwise.
    """

    def __init__(
        self, network: Predicting | nn.Module, sides: Iterable[int], ranges: Sequence[ConvRange] = ()
    ) -> None:
        self._graphs = {side: graph_of(network, side) for side in dict.fromkeys(sides)}
        self._sessions: dict[tuple[int, int], InferenceSession] = {}
        self._making = threading.Lock()
        self._check(forward_of(network))
        if ranges:
            self._to_integers(ranges)

    def __call__(self, images: Tensor) -> Tensor:
        """What the torch network gives for images ``(N, 1, side, side)``: logits ``(N, K, side, side)``."""
        session = self._session(images.shape[-1], torch.get_num_threads())
        try:
            answers = [session.run(None, {"image": one})[0] for one in images.contiguous().numpy()[:, None]]
        except Exception as error:  # ONNX Runtime's errors have no other kind in common
            if OUT_OF_MEMORY not in str(error):
                raise
            raise torch.OutOfMemoryError(str(error)) from error
        return torch.from_numpy(np.concatenate(answers))

    def predict(self, image: Tensor) -> Tensor:
        """The same, under the name that segmenters have for it."""
        return self(image)

    def _session(self, side: int, threads: int) -> "InferenceSession":
        with self._making:
            if (side, threads) not in self._sessions:
                self._sessions[side, threads] = session_of(self._graphs[side], threads)
            return self._sessions[side, threads]

    def _to_integers(self, ranges: Sequence[ConvRange]) -> None:
        """Compute in 8-bit integers from now on; UsageError where these label otherwise."""
        crops = {
            side: torch.from_numpy(standardise(reference_crop(side)))[None, None] for side in self._graphs
        }
        expected = {side: self(crop).argmax(dim=1) for side, crop in crops.items()}
        self._sessions.clear()
        self._graphs = {side: in_eight_bits(graph, ranges) for side, graph in self._graphs.items()}
        for side, crop in crops.items():
            equal = float((self(crop).argmax(dim=1) == expected[side]).float().mean())
            if equal < LEAST_AGREEMENT:
                raise UsageError(
                    f"8-bit integers give only {equal:.0%} of the reference crop's pixels the same tissue: "
                    "use the engine onnx"
                )

    def _check(self, forward: Forward) -> None:
        """Hold the graphs against the network: what cannot be traced would go wrong silently."""
        for side in self._graphs:
            image = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(side))
            with torch.inference_mode():
                expected = forward(image.to(memory_format=torch.channels_last))
            off = float((self(image) - expected).abs().max() / expected.abs().max().clamp(min=1))
            if not off <= TOLERANCE:
                raise UsageError(
                    f"ONNX Runtime answers otherwise than torch for this network (by {off:.2g} of its "
                    "largest logit): use the engine torch"
                )


def session_of(graph: bytes, threads: int) -> "InferenceSession":
    """A graph made ready to be computed by so many threads of the CPU."""
    import onnxruntime  # noqa: PLC0415  an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong it raises as well
    # Threads that wait by spinning would take the processor from reading and measuring.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def forward_of(network: Predicting | nn.Module) -> Forward:
    """What gives a network's map of the input's size: a segmenter's ``predict``, a locator itself."""
    return cast(Forward, getattr(network, "predict", network))


def graph_of(network: Predicting | nn.Module, side: int, finish: Forward | None = None) -> bytes:
    """The network as ONNX: ``image`` ``(1, 1, side, side)``, float32, to ``answer`` ``(1, K, side, side)``.

    ``finish`` is done to the logits. Raises UsageError where the network uses what ONNX has no operator for.
    """
    forward = forward_of(network)
    # In eval mode itself: the exporter would leave the network in the mode of what it is given.
    traced = _Traced(
        cast(nn.Module, network), (lambda image: finish(forward(image))) if finish else forward
    ).eval()
    written = io.BytesIO()
    try:
        with torch.no_grad(), _plain_attention(), warnings.catch_warnings():
            # That it is the older of torch's two exporters, five times as fast and without further libraries;
            # that branches on shapes are taken for good: they are, one graph has one side.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                traced,
                (torch.zeros(1, 1, side, side),),
                written,  # type: ignore[arg-type]
                dynamo=False,
                opset_version=OPSET,
                input_names=["image"],
                output_names=["answer"],
            )
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise UsageError(
            f"this network cannot be written as ONNX ({reason}): use the engine torch"
        ) from error
    return written.getvalue()


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention in operators that ONNX has, not in torch's own of a whole layer."""
    is_whole = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_whole)


class _Traced(nn.Module):
    """Holds a network's weights for the exporter, which asks a module for its answer."""

    def __init__(self, network: nn.Module, answer: Forward) -> None:
        super().__init__()
        self.network = network
        self._answer = answer

    def forward(self, image: Tensor) -> Tensor:
        return self._answer(image)
