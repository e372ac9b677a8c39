"""A network's graph with its convolutions in 8-bit integers, by the ranges of what they take and give.

Affine quantisation after training (Jacob et al. 2018), weights by output channel. ONNX Runtime computes a
convolution between a pair of operators that quantise and dequantise in integers, and half as long or less.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from blastoseg.errors import UsageError

FEWEST_CHANNELS = 8
"""A convolution from or to fewer costs little, and stays as it is."""
LARGEST_WEIGHT = 63
"""Of 7 bits: a processor without instructions of its own for it adds two products in 16 bits."""

FloatArray: TypeAlias = NDArray[np.float32]


class ConvRange(NamedTuple):
    """Smallest and largest value that goes into a convolution, and that comes out of it."""

    in_low: float
    in_high: float
    out_low: float
    out_high: float

    def joined(self, other: "ConvRange") -> "ConvRange":
        """What holds both."""
        return ConvRange(
            min(self.in_low, other.in_low),
            max(self.in_high, other.in_high),
            min(self.out_low, other.out_low),
            max(self.out_high, other.out_high),
        )

    def rounded(self) -> "ConvRange":
        """To four digits, as a card holds it."""
        return ConvRange(*(float(f"{end:.4g}") for end in self))


def convolutions(model: Any) -> list[Any]:
    """A graph's convolutions, in its order."""
    return [node for node in model.graph.node if node.op_type == "Conv"]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Value = step * (integer - zero), of 8 bits without sign."""

    step: np.float32
    zero: np.uint8

    @classmethod
    def of(cls, low: float, high: float) -> "_Scale":
        low, high = min(low, 0.0), max(high, 0.0)
        step = np.float32(max(high - low, 1e-6) / 255)
        return cls(step, np.uint8(round(-low / float(step))))


def in_eight_bits(graph: bytes, ranges: Iterable[ConvRange]) -> bytes:
    """The graph with its convolutions in integers, for values that lie in their ranges.

    Raises UsageError where the ranges are not those of this graph's convolutions.
    """
    import onnx  # noqa: PLC0415  an extra

    model = onnx.load_from_string(graph)
    ranges = list(ranges)
    if (count := len(convolutions(model))) != len(ranges):
        raise UsageError(
            f"the card holds the ranges of {len(ranges)} convolutions, this network's graph has {count}: use "
            "the engine onnx"
        )
    _Rewriting(model).rewrite(ranges)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


class _Rewriting:
    """Rewrites one graph: what its tensors are made by and used by, and the scales of those quantised."""

    def __init__(self, model: Any) -> None:
        self.model, self.graph = model, model.graph
        self.weights = {tensor.name: tensor for tensor in self.graph.initializer}
        self.maker = {name: node for node in self.graph.node for name in node.output}
        self.users: dict[str, list[Any]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.scales: dict[str, _Scale] = {}
        self.nodes: list[Any] = []

    def rewrite(self, ranges: list[ConvRange]) -> None:
        chosen = set()
        for conv, values in zip(convolutions(self.model), ranges, strict=True):
            parts = [self._value(name) for name in conv.input[1:]]
            if any(part is None for part in parts) or min(parts[0].shape[:2]) < FEWEST_CHANNELS:
                continue
            chosen.add(conv.output[0])
            self._take_in(conv.input[0], values)
            self._give_out(conv.output[0], values)
        for name in self.scales:
            if name not in self.maker:
                self._add_pair(name)
        for node in list(self.graph.node):
            if node.output[0] in chosen:
                self._quantise_weights(node)
            for place, name in enumerate(node.input):
                if name in self.scales:
                    node.input[place] = f"{name}_dequantised"
            self.nodes.append(node)
            for name in node.output:
                if name in self.scales:
                    self._add_pair(name)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        used = {name for node in self.nodes for name in node.input}
        kept = [tensor for tensor in self.graph.initializer if tensor.name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)

    def _value(self, name: str) -> Any:
        """A constant of the graph as an array, float32; None for what is computed."""
        from onnx import numpy_helper  # noqa: PLC0415  an extra

        while name in self.maker and self.maker[name].op_type == "Identity":
            name = self.maker[name].input[0]
        return numpy_helper.to_array(self.weights[name]) if name in self.weights else None

    def _take_in(self, name: str, values: ConvRange) -> None:
        pooled = self.maker.get(name)
        if pooled is not None and pooled.op_type == "MaxPool" and pooled.input[0] in self.scales:
            # One scale before and behind: the maximum is then found among integers.
            self.scales.setdefault(name, self.scales[pooled.input[0]])
        self.scales.setdefault(name, _Scale.of(values.in_low, values.in_high))

    def _give_out(self, name: str, values: ConvRange) -> None:
        users = self.users.get(name, [])
        if len(users) == 1 and users[0].op_type == "Relu":
            # Integers without sign cut off below 0 by themselves, and all of them are for what is left.
            self.scales.setdefault(users[0].output[0], _Scale.of(0.0, values.out_high))
        else:
            self.scales.setdefault(name, _Scale.of(values.out_low, values.out_high))

    def _add_pair(self, name: str) -> None:
        scale = self.scales[name]
        parameters = [self._constant(f"{name}_step", scale.step), self._constant(f"{name}_zero", scale.zero)]
        self._add_node("QuantizeLinear", [name, *parameters], f"{name}_quantised")
        self._add_node("DequantizeLinear", [f"{name}_quantised", *parameters], f"{name}_dequantised")

    def _quantise_weights(self, conv: Any) -> None:
        weight, channels = self._value(conv.input[1]), (-1, 1, 1, 1)
        largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
        steps = (np.maximum(largest, 1e-8) / LARGEST_WEIGHT).astype(np.float32)
        integers = np.rint(weight / steps.reshape(channels)).astype(np.int8)
        own = [conv.input[0], self._dequantised(f"{conv.output[0]}_weight", integers, steps)]
        if len(conv.input) > 2:
            # As wide as the sum of products that it is added to, and of that sum's step.
            steps = self.scales[conv.input[0]].step * steps
            bias = np.clip(np.rint(self._value(conv.input[2]) / steps), -(2**31), 2**31 - 1).astype(np.int32)
            own.append(self._dequantised(f"{conv.output[0]}_bias", bias, steps))
        del conv.input[:]
        conv.input.extend(own)

    def _dequantised(self, name: str, integers: NDArray[Any], steps: FloatArray) -> str:
        """A node that gives constant integers as numbers, each output channel with its own step."""
        zeros = np.zeros(len(steps), integers.dtype)
        parts = {"integers": integers, "steps": steps, "zeros": zeros}
        inputs = [self._constant(f"{name}_{part}", values) for part, values in parts.items()]
        self._add_node("DequantizeLinear", inputs, name, axis=0)
        return name

    def _constant(self, name: str, values: Any) -> str:
        from onnx import numpy_helper  # noqa: PLC0415  an extra

        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def _add_node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper  # noqa: PLC0415  an extra

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
