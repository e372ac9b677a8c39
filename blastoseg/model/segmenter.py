"""Stage 3: frames and crops through the networks: preparation, device, batches, precision, memory."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from blastoseg.errors import DeviceError, UsageError, counted
from blastoseg.model.allocator import reuse_freed_memory
from blastoseg.model.architectures.contract import Predicting
from blastoseg.model.averaging import Averaging, averaged
from blastoseg.model.card import Card, ReferenceCard
from blastoseg.model.engine import Engine, check_engine, choose_engine
from blastoseg.model.loading import load_locator, load_network
from blastoseg.model.onnx_network import OnnxNetwork
from blastoseg.model.planned import in_words
from blastoseg.model.reference import check_reference, reference_crop, summarise

log = logging.getLogger(__name__)

Precision = Literal["auto", "float32", "bfloat16"]
"""auto: float32 on the CPU, so that every machine gives the same numbers; bfloat16 on a GPU that has it."""

CPU_BATCH = 4
"""Crops a pass on the CPU, always: more are not faster there, and convolutions of different batch sizes
round differently. With one size a frame's result depends on no other frame and no option. ONNX Runtime gets
one crop a pass: its answers are the same in any company, and what one crop needs stays in the cache."""

SURELY_OTHER = 0.4
"""By how much a pixel's probability of another embryo must exceed that of the main one."""

FloatArray = NDArray[np.float32]
Network = TypeVar("Network", Predicting, nn.Module)


class Segmenter:
    """Both networks of a model on one device.

    ``device`` is "auto" (the GPU if there is one), "cpu" or "cuda"; ``batch_size`` is the number of images a
    pass on a GPU; ``flips`` averages over the four mirror images (three to four times the work, better), or
    only of crops that need it. Where the model was trained at a second size too, two of the four are seen at
    that size. ``engine`` is one of ``engine.ENGINES``; the attribute says which it became.
    Raises WeightsError for damaged weights, or where the reference crop is not answered as the card says, and
    DeviceError for a device that is asked for and missing; the errors of ``choose_engine`` for an engine.
    """

    def __init__(
        self,
        card: Card,
        device: str = "auto",
        batch_size: int = 8,
        precision: Precision = "auto",
        flips: Averaging = False,
        engine: str = "torch",
    ) -> None:
        check_engine(engine)
        self.card = card
        self.device = choose_device("cpu" if (engine, device) == ("onnx", "auto") else device)
        if self.device.type == "cpu":
            reuse_freed_memory()
        self.precision = choose_precision(precision, self.device)
        self.batch_size = batch_size
        self.flips = flips
        self.input_side = card.segmenter.input_size
        self.locator_side = card.locator.input_size
        self.locator_threshold = card.locator.threshold
        self.engine: Engine = choose_engine(engine, self.device.type, self.precision)
        network = self._placed(card.segmenter.configuration.prepare(load_network(card)))
        locator = self._placed(card.locator.configuration.prepare(load_locator(card)))
        self._network: Predicting = network
        self._locator: Callable[[Tensor], Tensor] = locator
        if self.engine == "onnx":
            self._hand_over(network, locator, is_asked_for=engine == "onnx")
        self._passes = {"segment": self._first_pass(), "locate": self._first_pass()}
        check_reference(self.reference_answer(), card)

    def locate_batch(self, squares: Sequence[NDArray[Any]]) -> FloatArray:
        """Probability that a pixel belongs to an embryo, ``(N, side, side)``, of frames fitted into squares.

        ``squares`` are gray images of ``locator_side`` (see ``locating.fit_square``). Embryos that touch are
        parted: the pixels of an other embryo beside the main one are 0.
        """
        answers = self._run(squares, self.locator_side, "locate", self._locate)
        return part_embryos(answers[:, 0], answers[:, 1], self.locator_threshold)

    def segment_batch(self, crops: Sequence[NDArray[Any]] | NDArray[Any]) -> FloatArray:
        """Class probabilities ``(N, 5, side, side)``, inside-out channels, summing to 1 over them.

        ``crops`` are gray images of ``input_side``, uint8, uint16 or float. A crop's result does not depend
        on the other crops.
        """
        return self._run(crops, self.input_side, "segment", self._segment)

    def reference_answer(self) -> ReferenceCard:
        """What this model says of the reference crop; WeightsError where that is no answer at all."""
        try:
            tissues, embryo = (
                self._pass(standardise(reference_crop(side))[None, None], 1, forward)[0]
                for side, forward in ((self.input_side, self._softmax), (self.locator_side, self._locate))
            )
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._no_memory() from error
        return summarise(tissues, embryo[0], self.card.folder)

    @property
    def device_in_words(self) -> str:
        """The device, for logs and the report."""
        return in_words(describe_device(self.device), self.engine)

    @contextmanager
    def side_by_side(self) -> Iterator[int]:
        """How many threads should call the networks at once: while it lasts, each pass takes one core.

        On the CPU passes of one thread each, side by side, do a third more a second than one pass on all
        cores. On a GPU one thread keeps it busy.
        """
        if self.device.type != "cpu":
            yield 1
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield threads
        finally:
            torch.set_num_threads(threads)

    def _placed(self, network: Network) -> Network:
        assert isinstance(network, nn.Module)
        network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def _hand_over(self, network: Predicting, locator: nn.Module, is_asked_for: bool) -> None:
        """Let ONNX Runtime compute both networks; where it cannot and was not asked for, torch does."""
        second = self.card.segmenter.second_size if self.flips else None
        try:
            ours = OnnxNetwork(network, [self.input_side, second or self.input_side])
            self._locator = OnnxNetwork(locator, [self.locator_side])
            self._network = ours
        except UsageError as error:
            if is_asked_for:
                raise
            log.warning("weights %s: %s; torch computes it", self.card.name, error)
            self.engine = "torch"

    def _first_pass(self) -> int:
        # Alone, a crop that is sure does not wait for the other passes of one that is not.
        if self.engine == "onnx" or (self.device.type == "cpu" and self.flips == "unsure"):
            return 1
        return CPU_BATCH if self.device.type == "cpu" else self.batch_size

    def _segment(self, images: Tensor) -> Tensor:
        return averaged(self._softmax, images, self.flips, self.card.segmenter.second_size)

    def _softmax(self, images: Tensor) -> Tensor:
        logits = self._network.predict(images).float()
        return torch.softmax(logits / self.card.segmenter.temperature, dim=1)

    def _locate(self, images: Tensor) -> Tensor:
        return torch.sigmoid(self._locator(images).float())

    def _run(
        self,
        images: Sequence[NDArray[Any]] | NDArray[Any],
        side: int,
        stage: str,
        forward: Callable[[Tensor], Tensor],
    ) -> FloatArray:
        _check_sides(images, side)
        prepared = np.stack([standardise(image) for image in images])[:, None]
        while True:
            size = self._passes[stage]
            try:
                parts = [
                    self._pass(prepared[start : start + size], size, forward)
                    for start in range(0, len(prepared), size)
                ]
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._passes[stage] = self._halved(size, error)
            else:
                return np.concatenate(parts)

    def _pass(self, images: FloatArray, size: int, forward: Callable[[Tensor], Tensor]) -> FloatArray:
        """One forward pass, filled up with empty images to exactly ``size``."""
        batch = np.zeros((size, *images.shape[1:]), np.float32)
        batch[: len(images)] = images
        tensor = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"),
        ):
            answer = forward(tensor)[: len(images)]
        return cast(FloatArray, answer.contiguous().cpu().numpy())

    def _halved(self, size: int, error: RuntimeError) -> int:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if size == 1:
            raise self._no_memory() from error
        log.warning(
            "out of memory on %s with %d images a pass: continuing with %d", self.device, size, size // 2
        )
        return size // 2

    def _no_memory(self) -> DeviceError:
        return DeviceError(
            f"out of memory on {self.device} with a single image: free some memory, or use --device cpu"
        )


def standardise(image: NDArray[Any]) -> FloatArray:
    """A gray image less its mean, over its standard deviation, float32; zeros for a constant image."""
    values = np.asarray(image, np.float32)
    mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    if not deviation > 1e-6 * max(1.0, abs(mean)):
        return np.zeros_like(values)
    return (values - np.float32(mean)) * np.float32(1 / deviation)


def part_embryos(main: FloatArray, other: FloatArray, threshold: float) -> FloatArray:
    """One map ``(N, y, x)`` from those of the main and the other embryos, with a seam where they touch.

    Every embryo is then a component of its own. What could be either is left with the main embryo: half of
    a hatching embryo must not be cut off.
    """
    is_other = other - main > SURELY_OTHER
    is_main = ~is_other & (main > threshold)
    beside_main = np.zeros_like(is_main)
    beside_main[:, 1:] |= is_main[:, :-1]
    beside_main[:, :-1] |= is_main[:, 1:]
    beside_main[:, :, 1:] |= is_main[:, :, :-1]
    beside_main[:, :, :-1] |= is_main[:, :, 1:]
    return np.where(is_other & beside_main, np.float32(0), np.maximum(main, other))


def choose_device(wanted: str) -> torch.device:
    """The device to run on. Raises DeviceError for "cuda" where there is none, or an unknown name."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"unknown device {wanted!r}: choose auto, cpu or cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        built = "" if torch.version.cuda else " (this torch is built without CUDA)"
        raise DeviceError(
            f"no CUDA device is usable{built}: use --device cpu, or install a CUDA build of torch"
        )
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


def choose_precision(wanted: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """The precision of the forward pass: what is asked for, or what suits the device."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def describe_device(device: torch.device) -> str:
    """The device in words, for logs and the report."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({counted(torch.get_num_threads(), 'thread')})"


def is_out_of_memory(error: RuntimeError) -> bool:
    """True for the errors with which torch says that memory is exhausted, and for no other."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return "DefaultCPUAllocator" in message or "CUDA out of memory" in message


def _check_sides(images: Sequence[NDArray[Any]] | NDArray[Any], side: int) -> None:
    wrong = [np.shape(image) for image in images if np.shape(image) != (side, side)]
    if not len(images) or wrong:
        raise ValueError(f"expected at least one gray image of ({side}, {side}), got {wrong[:1] or 'none'}")
