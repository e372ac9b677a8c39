"""Which library computes the passes of a model's networks: torch, or ONNX Runtime on the CPU.

ONNX Runtime lays out memory for the vector units of the machine; on the CPU it does 1.2 to 1.5 times as many
crops a second, and twice as many again with convolutions in 8-bit integers (``int8``). Their answers differ
in the last digits, or in a pixel of some hundreds: results of one are never taken for those of another.
"""

import os
from importlib.util import find_spec
from typing import Literal, TypeAlias

from blastoseg.errors import DeviceError, EnvironmentProblemError, UsageError

Engine: TypeAlias = Literal["torch", "onnx", "int8"]
ENGINES = ("auto", "torch", "onnx", "int8")
"""What may be asked for; auto: ONNX Runtime on the CPU where it is installed, in 8-bit integers where the
model's card holds what these need; torch otherwise."""
OF_ONNX_RUNTIME = ("onnx", "int8")
LIBRARIES = ("onnxruntime", "onnx")
"""ONNX Runtime, and what is needed to write a graph for it."""
ENGINE_VARIABLE = "BLASTOSEG_ENGINE"
"""Of the environment: what is asked for where nothing else is."""


def default_engine() -> str:
    """What is asked for without an option: what the environment says, or auto."""
    return os.environ.get(ENGINE_VARIABLE) or "auto"


def missing_libraries() -> list[str]:
    """What the engines of ONNX Runtime need and is not installed."""
    return [library for library in LIBRARIES if find_spec(library) is None]


def check_engine(asked: str) -> None:
    """Raise UsageError, with the choices, for an engine that is unknown."""
    if asked not in ENGINES:
        raise UsageError(f"unknown engine {asked!r}: choose one of {', '.join(ENGINES)}")


def choose_engine(asked: str, device: str, precision: str, has_ranges: bool) -> Engine:
    """The engine for a kind of device, a precision, and a card that ``has_ranges`` for 8-bit integers.

    Raises UsageError for an unknown name, a precision that it has not or a card without ranges, DeviceError
    for a device that it cannot use, EnvironmentProblemError where it is asked for and not installed.
    """
    check_engine(asked)
    missing = missing_libraries()
    if asked == "auto":
        if device != "cpu" or precision != "float32" or missing:
            return "torch"
        return "int8" if has_ranges else "onnx"
    if asked == "torch":
        return "torch"
    if device != "cpu":
        raise DeviceError(f"the engine {asked} computes on the CPU, not on {device}: use --device cpu")
    if precision != "float32":
        raise UsageError(f"the engine {asked} begins from float32, not {precision}: use the engine torch")
    if missing:
        raise EnvironmentProblemError(
            f"the engine {asked} needs {', '.join(missing)}: pip install 'blastoseg[onnx]', or use the "
            "engine torch"
        )
    if asked == "onnx":
        return "onnx"
    if not has_ranges:
        raise UsageError(
            "the engine int8 needs the ranges of the network's values, and the card of these weights has "
            "none:  python -m blastoseg.training.ranges FOLDER  writes them, or use the engine onnx"
        )
    return "int8"


def told_precision(engine: Engine, begins_from: str) -> str:
    """What the convolutions are computed in, as reports name it: int8, or the precision begun from."""
    return "int8" if engine == "int8" else begins_from
