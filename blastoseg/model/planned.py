"""What a model's networks will be computed with, told before they are loaded: a run over frames that are all
known needs none of them, and torch and ONNX Runtime take seconds to start.
"""

import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path

from blastoseg.model.batches import CPU_SIZE
from blastoseg.model.card import Card
from blastoseg.model.engine import OF_ONNX_RUNTIME, Engine, check_engine, choose_engine, told_precision
from blastoseg.model.loading import check_files


@dataclass(frozen=True, slots=True)
class PlannedNetworks:
    """The networks of a model, not yet loaded; the attributes are those of ``Segmenter``.

    The engine may turn out otherwise: where ONNX Runtime was not asked for and cannot compute a network,
    torch does.
    """

    card: Card
    engine: Engine
    precision: str
    device_in_words: str
    batch_size: int


def plan_networks(card: Card, devices: str, engine: str, batch_size: int | None = None) -> PlannedNetworks:
    """What ``Segmenter`` with these arguments will be, or the networks on several devices.

    Raises what they raise for a device or an engine that is asked for and missing, and WeightsError for files
    that are not those of the card.
    """
    check_engine(engine)
    check_files(card)
    size = batch_size or CPU_SIZE
    if devices == "cpu" or (devices == "auto" and (engine in OF_ONNX_RUNTIME or not may_have_gpu())):
        chosen = choose_engine(engine, "cpu", "float32", card.has_ranges)
        return PlannedNetworks(
            card, chosen, told_precision(chosen, "float32"), in_words("cpu", chosen), batch_size=size
        )
    # Whether a GPU can be used, torch alone can tell.
    from blastoseg.model.devices import (  # noqa: PLC0415
        choose_device,
        choose_precision,
        describe_device,
        devices_named,
    )

    there = [choose_device(name) for name in devices_named(devices)]
    precision = choose_precision("auto", there[0])
    chosen = choose_engine(engine, there[0].type, precision, card.has_ranges)
    words = ", ".join(in_words(describe_device(device), chosen) for device in there)
    return PlannedNetworks(card, chosen, told_precision(chosen, precision), words, batch_size=size)


def in_words(device: str, engine: Engine) -> str:
    """A device and what computes on it, for logs and the report."""
    library = {"onnx": "ONNX Runtime", "int8": "ONNX Runtime in 8-bit integers"}.get(engine)
    return f"{device}, {library}" if library else device


def may_have_gpu() -> bool:
    """Whether torch could find what it calls cuda: never without the driver of an NVIDIA or AMD GPU."""
    if sys.platform == "darwin":
        return False
    if Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
