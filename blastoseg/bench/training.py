"""How fast this machine trains: the loader beside the step, the recipe's network beside U-Nets of MONAI."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.errors import UsageError, counted
from blastoseg.model.architectures.encoder import count_parameters
from blastoseg.model.architectures.monai import monai_network
from blastoseg.model.card import CLASSES
from blastoseg.model.devices import choose_device
from blastoseg.simulate import View, draw_frame
from blastoseg.training.data import LoadedSource
from blastoseg.training.labelled import cut_sample
from blastoseg.training.loaders import TrainingData, cores_of_one, training_loader
from blastoseg.training.loss import segmentation_loss
from blastoseg.training.recipe import Job, Recipe
from blastoseg.training.recipe_data import LabelledData
from blastoseg.training.sample import Sample

DRAWN_SAMPLES = 24
DRAWN_SIDE = 500
ROUNDS = 5
"""The networks take turns, a step each, so that a busy moment slows all of them alike."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Images a second, and the number of trained values (0 for what has none)."""

    name: str
    images_per_s: float
    parameters: int = 0


def time_training(recipe: Recipe, device_name: str = "auto") -> list[Speed]:
    """The loader alone, then a whole step of each network: forward, loss, backward, optimiser.

    Input size, batch size, width, sources and number of loader processes are the recipe's, with synthetic
    images for a lab's labelled ones; the networks are trained in float32, each with its cross entropy. Raises
    EnvironmentProblemError where MONAI is missing.
    """
    job = recipe.segmenter
    device = choose_device(device_name)
    others = monai_networks(job)
    samples = list(_draw_samples(job.input_size))
    sources = (
        LoadedSource(one, samples if isinstance(one.data, LabelledData) else [], []) for one in job.sources
    )
    material = TrainingData(job, "tissues", tuple(sources))
    workers = job.optimisation.workers_here(cores_of_one(1), device.type == "cuda")
    loader_name = f"loader of {job.data.kind} images, {counted(workers, 'worker')}"
    speeds = [Speed(loader_name, _time_loader(material, workers))]
    batch = next(iter(training_loader(material)))
    networks = {job.architecture: job.configuration.build()} | others
    steps = {name: _step_of(network, job, batch, device) for name, network in networks.items()}
    times = _time_in_turns(steps, device)
    images = job.optimisation.batch_size
    speeds += [
        Speed(f"{name} step", images / median(times[name]), count_parameters(network))
        for name, network in networks.items()
    ]
    return speeds


def monai_networks(job: Job) -> dict[str, nn.Module]:
    """MONAI's BasicUNet and AttentionUnet of the width and depth of the job's network.

    Raises UsageError for a network that tells neither, EnvironmentProblemError where MONAI is missing.
    """
    if not {"base_channels", "levels"} <= set(job.network):
        raise UsageError(
            "--training compares networks of one width and depth: name a recipe (--recipe) whose "
            "segmenter.network has base_channels and levels"
        )
    basic_unet = monai_network("basic_unet", "BasicUNet")
    attention_unet = monai_network("attentionunet", "AttentionUnet")
    base, levels = int(job.network["base_channels"]), int(job.network["levels"])
    widths = [base * 2**level for level in range(levels)]
    classes = len(CLASSES)
    # BasicUNet has five levels, whatever the job's, and its last width is that of its output features.
    features = tuple(base * 2**level for level in range(5))
    return {
        "MONAI BasicUNet": basic_unet(2, 1, classes, features=(*features, base)),
        "MONAI AttentionUnet": attention_unet(2, 1, classes, channels=widths, strides=[2] * (levels - 1)),
    }


def _draw_samples(size: int) -> Iterator[Sample]:
    rng = np.random.default_rng(0)
    for _ in range(DRAWN_SAMPLES):
        frame = draw_frame(rng, View(DRAWN_SIDE, DRAWN_SIDE, fill=(0.55, 0.95), scene="crop"))
        yield cut_sample(frame.image, frame.labels, size, "tissues")


def _time_loader(material: TrainingData, workers: int) -> float:
    """Images a second that the loader makes, its start and first batches left out."""
    size = material.job.optimisation.batch_size
    batches = iter(training_loader(material, workers=workers))
    # What was made ahead while the workers started must not be counted.
    for _ in islice(batches, 4 * workers + 2):
        pass
    count = max(20, 8 * workers)
    start = time.perf_counter()
    for _ in islice(batches, count):
        pass
    return count * size / (time.perf_counter() - start)


def _step_of(
    network: nn.Module, job: Job, batch: tuple[Tensor, Tensor], device: torch.device
) -> Callable[[], None]:
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    image = batch[0].to(device, memory_format=torch.channels_last)
    truth = batch[1].to(device).long()

    def step() -> None:
        outputs: Any = network(image)
        loss = (
            segmentation_loss(outputs, truth, job.loss)
            if isinstance(outputs, list)
            else F.cross_entropy(outputs, truth)
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def _time_in_turns(steps: dict[str, Callable[[], None]], device: torch.device) -> dict[str, list[float]]:
    """Seconds of a step, one number a round."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(ROUNDS):
        for name, step in steps.items():
            _wait(device)
            start = time.perf_counter()
            step()
            _wait(device)
            times[name].append(time.perf_counter() - start)
    return times


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
