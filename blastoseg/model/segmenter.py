"""Stage 3: frames and crops through the networks: preparation, device, batches, precision, memory."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from blastoseg.errors import DeviceError, UsageError, WeightsError
from blastoseg.model.allocator import reuse_freed_memory
from blastoseg.model.architectures.contract import Predicting
from blastoseg.model.averaging import Averaging, averaged
from blastoseg.model.batches import CPU_SIZE, SIZES, Timed, choose_batch_size
from blastoseg.model.card import Card, ReferenceCard
from blastoseg.model.device_passes import LANES, DevicePasses, time_pass
from blastoseg.model.devices import (
    Precision,
    choose_device,
    choose_precision,
    describe_device,
    is_out_of_memory,
)
from blastoseg.model.engine import OF_ONNX_RUNTIME, Engine, check_engine, choose_engine, told_precision
from blastoseg.model.loading import load_locator, load_network
from blastoseg.model.locating import part_embryos
from blastoseg.model.onnx_network import OnnxNetwork
from blastoseg.model.planned import in_words
from blastoseg.model.reference import TOLERANCE, check_reference, reference_crop, summarise
from blastoseg.model.standardisation import standardise

log = logging.getLogger(__name__)

Passes = Literal["eager", "compiled", "recorded"]
"""As torch does them, through its compiler, or (on a GPU) recorded once and replayed; what pays on a GPU,
``blastoseg bench --gpu-report`` tells: docs/speed.md."""

CPU_BATCH = 4
"""Crops a pass on the CPU, always: more are not faster there, and convolutions of different batch sizes
round differently. With one size a frame's result depends on no other frame and no option. ONNX Runtime gets
one crop a pass: its answers are the same in any company, and what one crop needs stays in the cache."""

FloatArray = NDArray[np.float32]
Network = TypeVar("Network", Predicting, nn.Module)


class Segmenter:
    """Both networks of a model on one device.

    ``device`` is one of those that ``devices.choose_device`` knows; ``batch_size`` is the number of images a
    pass on a GPU, None for as many as pay there; ``flips`` averages over the four mirror images (three to
    four times the work, better), or only of crops that need it. Where the model was trained at a second size
    too, two of the four are seen at that size. ``engine`` is one of ``engine.ENGINES``; the attribute says
    which it became.
    Raises WeightsError for damaged weights, or where the reference crop is not answered as the card says, and
    DeviceError for a device that is asked for and missing; the errors of ``choose_engine`` for an engine.
    """

    def __init__(
        self,
        card: Card,
        device: str = "auto",
        batch_size: int | None = CPU_SIZE,
        precision: Precision = "auto",
        flips: Averaging = False,
        engine: str = "torch",
    ) -> None:
        check_engine(engine)
        self.card = card
        self.device = choose_device("cpu" if device == "auto" and engine in OF_ONNX_RUNTIME else device)
        if self.device.type == "cpu":
            reuse_freed_memory()
        self._precision = choose_precision(precision, self.device)
        self.batch_size = batch_size or CPU_SIZE
        self.flips = flips
        self.input_side = card.segmenter.input_size
        self.locator_side = card.locator.input_size
        self.locator_threshold = card.locator.threshold
        self.engine: Engine = choose_engine(engine, self.device.type, self._precision, card.has_ranges)
        network = self._placed(card.segmenter.configuration.prepare(load_network(card)))
        locator = self._placed(card.locator.configuration.prepare(load_locator(card)))
        self._network: Predicting = network
        self._locator: Callable[[Tensor], Tensor] = locator
        if self.engine in OF_ONNX_RUNTIME:
            self._hand_over(network, locator, is_asked_for=engine == self.engine)
        self._passes = {"segment": self._first_pass(), "locate": self._first_pass()}
        if self.engine != "int8":  # held against it when they were handed over
            check_reference(self.reference_answer(), card)
        self._on_device: DevicePasses | None = None
        if self.device.type != "cpu":
            self._on_device = DevicePasses(self.device, self._precision)
            if batch_size is None:
                self._choose_batch_size(self._on_device)

    @property
    def precision(self) -> str:
        """What the convolutions are computed in: float32, bfloat16 or int8."""
        return told_precision(self.engine, self._precision)

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

    def compute_by(self, passes: Passes) -> None:
        """Compute passes otherwise than as torch does them, for a measurement of what pays.

        Raises ValueError for recorded passes that decide by what they see how often they look.
        """
        if passes == "compiled":
            self._network.predict = torch.compile(self._network.predict, dynamic=False)  # type: ignore[method-assign]
        if passes == "recorded":
            if self.flips == "unsure":
                raise ValueError("averaging where it is unsure cannot be recorded")
            self._on_device = DevicePasses(self.device, self._precision, is_recorded=True)

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
        cores. On a GPU one computes while the other copies.
        """
        if self.device.type != "cpu":
            yield LANES
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
        """Let ONNX Runtime compute both networks; another engine where it cannot and nobody asked for it."""
        second = self.card.segmenter.second_size if self.flips else None
        quantisation = self.card.quantisation if self.engine == "int8" else None
        ranges = quantisation.ranges if quantisation else ()
        try:
            ours = OnnxNetwork(network, [self.input_side, second or self.input_side], ranges)
            self._locator = OnnxNetwork(locator, [self.locator_side])
            self._network = ours
            if ranges:
                self._check_integers(network, locator)
        except UsageError as error:
            if is_asked_for:
                raise
            self.engine = "onnx" if ranges else "torch"
            log.warning("weights %s: %s; %s computes it", self.card.name, error, self.engine)
            if ranges:
                self._hand_over(network, locator, is_asked_for=False)

    def _check_integers(self, network: Predicting, locator: nn.Module) -> None:
        try:
            check_reference(self.reference_answer(), self.card)
        except WeightsError as error:
            self._network, self._locator = network, locator
            check_reference(self.reference_answer(), self.card)  # numbers tell whether it is the weights
            raise UsageError(
                f"8-bit integers move a tissue's mean probability in the reference crop by over {TOLERANCE}: "
                "use the engine onnx"
            ) from error

    def _first_pass(self) -> int:
        # Alone, a crop that is sure does not wait for the other passes of one that is not.
        if self.engine in OF_ONNX_RUNTIME or (self.device.type == "cpu" and self.flips == "unsure"):
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
        answer = self._on_device.answer if self._on_device else self._in_passes
        while True:
            size = self._passes[stage]
            try:
                return answer(images, size, forward)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._passes[stage] = self._halved(size, error)

    def _in_passes(
        self,
        images: Sequence[NDArray[Any]] | NDArray[Any],
        size: int,
        forward: Callable[[Tensor], Tensor],
    ) -> FloatArray:
        prepared = np.stack([standardise(image) for image in images])[:, None]
        starts = range(0, len(prepared), size)
        return np.concatenate([self._pass(prepared[start : start + size], size, forward) for start in starts])

    def _choose_batch_size(self, passes: DevicePasses) -> None:
        """Take the size that pays on this GPU, by its free memory and a second's measurement."""
        side, device = self.input_side, self.device
        crops = np.random.default_rng(0).integers(0, 256, (SIZES[-1], side, side), np.uint8)
        free, _ = torch.cuda.mem_get_info(device)

        def timed(size: int) -> Timed | None:
            return time_pass(passes, crops[:size], self._segment, device)

        self.batch_size = choose_batch_size(timed, free, LANES)
        self._passes = dict.fromkeys(self._passes, self.batch_size)

    def _pass(self, images: FloatArray, size: int, forward: Callable[[Tensor], Tensor]) -> FloatArray:
        """One forward pass, filled up with empty images to exactly ``size``."""
        batch = np.zeros((size, *images.shape[1:]), np.float32)
        batch[: len(images)] = images
        tensor = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self._precision == "bfloat16"),
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


def _check_sides(images: Sequence[NDArray[Any]] | NDArray[Any], side: int) -> None:
    wrong = [np.shape(image) for image in images if np.shape(image) != (side, side)]
    if not len(images) or wrong:
        raise ValueError(f"expected at least one gray image of ({side}, {side}), got {wrong[:1] or 'none'}")
