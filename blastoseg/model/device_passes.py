"""Images through a network on a device with memory of its own: copies go on beside passes.

Images travel as they were read, a byte a pixel, and are standardised on the device. ``LANES`` callers go side
by side, each with a stream and pinned memory of its own: while one's images are copied or its answers brought
back, the other's are computed. On the CPU the same code runs with neither streams nor pinned memory.
"""

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from blastoseg.model.batches import Timed
from blastoseg.model.devices import is_out_of_memory

Forward = Callable[[Tensor], Tensor]

LANES = 2
"""One is copied or cut out of its frames while the other is computed; more would only take memory."""
ROUNDS = 3
"""Of a measurement, the first pass left out."""
WARM_UP = 3
"""Passes before one is recorded as a graph: the libraries choose their algorithms in the first."""
SMALLEST_DEVIATION = 1e-6
"""Of an image that is not constant, as a share of its mean (or of 1)."""


class DevicePasses:
    """Answers of a network for images that lie in the host's memory; may be called from several threads.

    With ``is_recorded`` a pass is recorded once for each shape and then replayed (CUDA graphs): for forward
    functions that decide nothing by what they see.
    """

    def __init__(self, device: torch.device, precision: str, is_recorded: bool = False) -> None:
        self._lanes: queue.SimpleQueue[_Lane] = queue.SimpleQueue()
        for _ in range(LANES):
            self._lanes.put(_Lane(device, precision, is_recorded and device.type == "cuda"))

    def answer(
        self, images: Sequence[NDArray[Any]] | NDArray[Any], size: int, forward: Forward
    ) -> NDArray[np.float32]:
        """What ``forward`` gives for standardised images ``(N, 1, y, x)``, in passes of exactly ``size``."""
        lane = self._lanes.get()
        try:
            return lane.answer(images, size, forward)
        finally:
            self._lanes.put(lane)


def standardised(images: Tensor) -> Tensor:
    """As ``standardisation.standardise``, each of ``(N, 1, y, x)``; float32, equal within rounding."""
    exact = images.double()
    mean = exact.mean(dim=(1, 2, 3), keepdim=True)
    deviation = exact.std(dim=(1, 2, 3), keepdim=True, correction=0)
    scaled = (images.float() - mean.float()) * (1 / deviation).float()
    return torch.where(deviation > SMALLEST_DEVIATION * mean.abs().clamp(min=1), scaled, 0.0)


def time_pass(
    passes: DevicePasses, images: NDArray[Any], forward: Forward, device: torch.device
) -> Timed | None:
    """A pass over all the images at once, from the host's memory and back: the fastest of ``ROUNDS``.

    None where memory is too small for it.
    """
    is_gpu, seconds = device.type == "cuda", []
    if is_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        for _ in range(1 + ROUNDS):
            began = time.perf_counter()
            passes.answer(images, len(images), forward)
            seconds.append(time.perf_counter() - began)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    return Timed(min(seconds[1:]), torch.cuda.max_memory_allocated(device) if is_gpu else 0)


class _Lane:
    """One caller's stream and memory; its work is done in order."""

    def __init__(self, device: torch.device, precision: str, is_recorded: bool) -> None:
        self._device, self._is_recorded = device, is_recorded
        self._is_bfloat16 = precision == "bfloat16"
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._staging: dict[tuple[torch.dtype, tuple[int, ...], int], Tensor] = {}
        self._copied: dict[int, Any] = {}
        self._recorded: dict[Any, tuple[Any, Tensor, Tensor]] = {}

    def answer(
        self, images: Sequence[NDArray[Any]] | NDArray[Any], size: int, forward: Forward
    ) -> NDArray[np.float32]:
        answers = []
        with (
            torch.cuda.stream(self._stream) if self._stream else nullcontext(),
            torch.inference_mode(),
            # What autocast keeps of the weights would not outlive a recording.
            torch.autocast(
                self._device.type,
                torch.bfloat16,
                enabled=self._is_bfloat16,
                cache_enabled=not self._is_recorded,
            ),
        ):
            if self._stream:
                # The weights came by the stream that everything else uses.
                self._stream.wait_stream(torch.cuda.default_stream(self._device))
            try:
                for number, start in enumerate(range(0, len(images), size)):
                    part = images[start : start + size]
                    staged = self._staged(part, size, number % 2)
                    answers.append(
                        self._brought_back(self._computed(staged, number % 2, forward)[: len(part)])
                    )
            finally:
                # Also after an error: memory that is still read must not be written to.
                if self._stream:
                    self._stream.synchronize()
        return np.concatenate([answer.numpy() for answer in answers])

    def _staged(self, part: Sequence[NDArray[Any]] | NDArray[Any], size: int, turn: int) -> Tensor:
        """The images in pinned memory, filled up with empty ones; there are two such places, in turn."""
        kind = torch.uint8 if all(image.dtype == np.uint8 for image in part) else torch.float32
        key = (kind, (size, 1, *part[0].shape), turn)
        if key not in self._staging:
            self._staging[key] = torch.zeros(key[1], dtype=kind, pin_memory=self._stream is not None)
        if turn in self._copied:
            self._copied.pop(turn).synchronize()
        staged = self._staging[key]
        values = staged.numpy()
        for place, image in enumerate(part):
            values[place, 0] = image
        values[len(part) :] = 0
        return staged

    def _computed(self, staged: Tensor, turn: int, forward: Forward) -> Tensor:
        if self._is_recorded:
            return self._replayed(staged, turn, forward)
        images = staged.to(self._device, non_blocking=True)
        self._note_copied(turn)
        return forward(standardised(images).contiguous(memory_format=torch.channels_last))

    def _replayed(self, staged: Tensor, turn: int, forward: Forward) -> Tensor:
        key = (forward, staged.dtype, staged.shape)
        if key not in self._recorded:
            images = staged.to(self._device)
            for _ in range(WARM_UP):
                forward(standardised(images))
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                answer = forward(standardised(images))
            self._recorded[key] = graph, images, answer
        graph, images, answer = self._recorded[key]
        images.copy_(staged, non_blocking=True)
        self._note_copied(turn)
        graph.replay()
        return answer

    def _note_copied(self, turn: int) -> None:
        if self._stream:
            self._copied[turn] = self._stream.record_event()

    def _brought_back(self, answer: Tensor) -> Tensor:
        kept = torch.empty(answer.shape, dtype=torch.float32, pin_memory=self._stream is not None)
        return kept.copy_(answer, non_blocking=True)
