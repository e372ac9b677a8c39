"""Which device computes, by its name, and in which precision."""

import re
from typing import Literal

import torch

from blastoseg.errors import DeviceError, counted

Precision = Literal["auto", "float32", "bfloat16"]
"""auto: float32 on the CPU, so that every machine gives the same numbers; bfloat16 on a GPU that has it."""


def choose_device(wanted: str) -> torch.device:
    """One device: "auto" (the first GPU if there is one), "cpu", "cuda" (the first GPU) or "cuda:N".

    Raises DeviceError for a GPU that is not there and for an unknown name, with those that there are.
    """
    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if wanted not in ("auto", "cuda") and not re.fullmatch(r"cuda:\d{1,3}", wanted):
        raise DeviceError(
            f"unknown device {wanted!r}: choose auto, cpu, cuda or one of those here: {devices_in_words()}"
        )
    if not torch.cuda.is_available():
        built = "" if torch.version.cuda else " (this torch is built without CUDA)"
        raise DeviceError(
            f"no CUDA device is usable{built}: use --device cpu, or install a CUDA build of torch"
        )
    device = torch.device("cuda" if wanted == "auto" else wanted)
    if (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"no device {wanted} is here: choose from {devices_in_words()}")
    return device


def devices_named(wanted: str) -> tuple[str, ...]:
    """The names of the devices of a run: of one, of several with commas between, or of "all" GPUs.

    A device named twice gets two processes. Raises DeviceError as ``choose_device``, and for GPUs beside the
    CPU: they round differently, and who of them saw a frame would be chance.
    """
    if wanted == "all":
        choose_device("cuda")
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
    names = tuple(name.strip() for name in wanted.split(","))
    if len(names) > 1 and "auto" in names:
        raise DeviceError(f"--device {wanted}: auto stands alone: name devices here: {devices_in_words()}")
    if len({choose_device(name).type for name in names}) > 1:
        raise DeviceError(f"--device {wanted}: GPUs and the CPU round differently: name the one or the other")
    return names


def choose_precision(wanted: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """The precision of the forward pass: what is asked for, or what suits the device."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def describe_device(device: torch.device) -> str:
    """The device in words, for logs and the report."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({counted(torch.get_num_threads(), 'thread')})"


def devices_in_words() -> str:
    """Every device of this machine."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = ("cpu", *(f"cuda:{index}" for index in range(count)))
    return ", ".join(describe_device(torch.device(name)) for name in names)


def is_out_of_memory(error: RuntimeError) -> bool:
    """True for the errors with which torch says that memory is exhausted, and for no other."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return "DefaultCPUAllocator" in message or "CUDA out of memory" in message
