"""What a network costs: parameters, operations, time and memory of an image; timed in a process apart."""

import multiprocessing
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from blastoseg.model.architectures.contract import Predicting
from blastoseg.model.architectures.encoder import count_parameters
from blastoseg.model.architectures.registry import SEGMENTERS

ROUNDS = 5
NOT_KNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class Cost:
    """Parameters in millions, 10^9 operations of an image (a multiply-add is two), milliseconds an image.

    ``memory_mib`` is the most memory of a process that predicts one image on the CPU, Python and torch
    included. NaN is what cannot be measured: a GPU that is not there, memory on Windows.
    """

    parameters_m: float
    gflops: float
    ms_cpu: float
    ms_gpu: float
    memory_mib: float
    memory_gpu_mib: float


def cost_of(architecture: str, settings: Mapping[str, Any], side: int) -> Cost:
    """The cost of a network by name, for images of ``side`` x ``side`` pixels, one at a time."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_measure, args=(sending, architecture, dict(settings), side))
    process.start()
    sending.close()
    try:
        ms_cpu, ms_gpu, memory, memory_gpu = receiving.recv()
    except EOFError:
        # The process ended without an answer: there was no memory for a single image.
        ms_cpu = ms_gpu = memory = memory_gpu = NOT_KNOWN
    process.join()
    network = _on_meta(architecture, settings)
    return Cost(
        parameters_m=count_parameters(network) / 1e6,
        gflops=_operations(network, side) / 1e9,
        ms_cpu=ms_cpu,
        ms_gpu=ms_gpu,
        memory_mib=memory,
        memory_gpu_mib=memory_gpu,
    )


def _on_meta(architecture: str, settings: Mapping[str, Any]) -> Any:
    with torch.device("meta"):
        return SEGMENTERS.configure(architecture, settings).build().eval()


def _operations(network: Any, side: int) -> int:
    """Of convolutions, matrix products and attention, as torch counts them; without memory of its own.

    With gradients: transformer layers take a path without them that is not counted.
    """
    counter = FlopCounterMode(display=False)
    with counter, torch.device("meta"):
        network.predict(torch.zeros(1, 1, side, side))
    return int(counter.get_total_flops())


def _measure(sending: Connection, architecture: str, settings: dict[str, Any], side: int) -> None:
    configuration = SEGMENTERS.configure(architecture, settings)
    prepared = configuration.prepare(configuration.build().eval())
    assert isinstance(prepared, nn.Module)
    prepared.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ms_cpu = _milliseconds(prepared, torch.device("cpu"), side)
    memory = _peak_mib()
    ms_gpu = memory_gpu = NOT_KNOWN
    if torch.cuda.is_available():
        device = torch.device("cuda")
        prepared.to(device)
        torch.cuda.reset_peak_memory_stats()
        ms_gpu = _milliseconds(prepared, device, side)
        memory_gpu = torch.cuda.max_memory_allocated() / 2**20
    with suppress(BrokenPipeError):
        # Whoever asked was stopped meanwhile.
        sending.send((ms_cpu, ms_gpu, memory, memory_gpu))


def _milliseconds(network: Predicting, device: torch.device, side: int) -> float:
    """The median of some passes, the first left out."""
    image = torch.zeros(1, 1, side, side, device=device)
    times = []
    with torch.inference_mode():
        for _ in range(1 + ROUNDS):
            began = time.perf_counter()
            network.predict(image)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(1000 * (time.perf_counter() - began))
    return median(times[1:])


def _peak_mib() -> float:
    """The most memory that this process had. Linux counts that of its parent into what ``resource`` says."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    if sys.platform == "darwin":
        import resource  # noqa: PLC0415  Windows has none

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return NOT_KNOWN
