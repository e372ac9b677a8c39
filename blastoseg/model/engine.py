"""Which library computes the passes of a model's networks: torch, or ONNX Runtime on the CPU.

ONNX Runtime lays out memory for the vector units of the machine; on the CPU it does 1.2 to 1.5 times as many
crops a second. Their answers differ in the last digits, and so, rarely, in a pixel of the labels: results of
one are never taken for those of the other.
"""

import os
from importlib.util import find_spec
from typing import Literal, TypeAlias

from blastoseg.errors import DeviceError, EnvironmentProblemError, UsageError

Engine: TypeAlias = Literal["torch", "onnx"]
ENGINES = ("auto", "torch", "onnx")
"""What may be asked for; auto: ONNX Runtime on the CPU where it is installed, torch otherwise."""
LIBRARIES = ("onnxruntime", "onnx")
"""ONNX Runtime, and what torch needs to write a graph for it."""
ENGINE_VARIABLE = "BLASTOSEG_ENGINE"
"""Of the environment: what is asked for where nothing else is."""


def default_engine() -> str:
    """What is asked for without an option: what the environment says, or auto."""
    return os.environ.get(ENGINE_VARIABLE) or "auto"


def missing_libraries() -> list[str]:
    """What the engine onnx needs and is not installed."""
    return [library for library in LIBRARIES if find_spec(library) is None]


def check_engine(asked: str) -> None:
    """Raise UsageError, with the choices, for an engine that is unknown."""
    if asked not in ENGINES:
        raise UsageError(f"unknown engine {asked!r}: choose one of {', '.join(ENGINES)}")


def choose_engine(asked: str, device: str, precision: str) -> Engine:
    """The engine for a kind of device and a precision.

    Raises UsageError for an unknown name or a precision that it has not, DeviceError for a device that it
    cannot use, EnvironmentProblemError where it is asked for and not installed.
    """
    check_engine(asked)
    missing = missing_libraries()
    if asked == "auto":
        return "onnx" if device == "cpu" and precision == "float32" and not missing else "torch"
    if asked == "torch":
        return "torch"
    if device != "cpu":
        raise DeviceError(f"the engine onnx computes on the CPU, not on {device}: use --device cpu")
    if precision != "float32":
        raise UsageError(f"the engine onnx computes in float32, not in {precision}: use the engine torch")
    if missing:
        raise EnvironmentProblemError(
            f"the engine onnx needs {', '.join(missing)}: pip install 'blastoseg[onnx]', or use the engine "
            "torch"
        )
    return "onnx"
