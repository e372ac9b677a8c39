"""Training one network of a recipe: processes and devices, checkpoints, resume."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import nn

from blastoseg.errors import DeviceError, NetworkFailedError, TrainingError
from blastoseg.model.card import load_card
from blastoseg.model.devices import is_out_of_memory
from blastoseg.stopping import stopping_on_signals
from blastoseg.training.checkpoints import WholeCheckpoints, read_checkpoint
from blastoseg.training.labelled import LabelledSplits
from blastoseg.training.loaders import TrainingData, TrainingDataModule, load_training_data
from blastoseg.training.module import NetworkModule
from blastoseg.training.precision import precision_here
from blastoseg.training.pretrained import load_pretrained, load_tensors
from blastoseg.training.recipe import Job, Recipe
from blastoseg.training.sample import Target
from blastoseg.training.state import TrainingState
from blastoseg.training.synchronise import synchronise_batch_norms
from blastoseg.training.teacher import Teaching
from blastoseg.training.unlabelled import UnlabelledFrames

log = logging.getLogger(__name__)

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

LONGEST_INTERVAL = 500
"""Steps between two checkpoints at most."""
SHARES = 40
"""A short training is validated and saved about so many times, but not more often than each epoch."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Where and how a training runs, and where its checkpoints go.

    ``devices`` is the number of GPUs (or processes on a CPU) of each of ``nodes`` machines; None takes every
    GPU there is, or one process. ``checkpoint_steps`` None: by the length. ``tell`` hears what is done,
    ``show`` how far it is after every step; ``go_on`` says how a training that was stopped goes on. Unless
    ``is_scored`` the card tells no scores: for who tests the model anyway.
    """

    work: Path
    resume: bool = False
    checkpoint_steps: int | None = None
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | None = None
    nodes: int = 1
    tell: Callable[[str], None] = log.info
    show: Callable[[TrainingState], None] = lambda _state: None
    go_on: str = "go on with the same command and --resume"
    is_scored: bool = True

    def checkpoint(self, target: Target) -> Path:
        """The last checkpoint of one network."""
        return self.work / target / "last.ckpt"

    @property
    def on_gpu(self) -> bool:
        """Whether the training runs on GPUs."""
        return self.accelerator != "cpu" and torch.cuda.is_available()

    @property
    def device(self) -> str:
        """Where what was trained is tried, by the name that ``Segmenter`` knows."""
        return "auto" if self.on_gpu else "cpu"

    @property
    def devices_here(self) -> int:
        """Processes on this machine. Raises DeviceError for more GPUs than there are."""
        if self.accelerator == "gpu" and not self.on_gpu:
            raise DeviceError("no CUDA device is usable: use --device cpu, or install a CUDA build of torch")
        there = torch.cuda.device_count() if self.on_gpu else 1
        wanted = self.devices or there
        if self.on_gpu and wanted > there:
            raise DeviceError(f"--devices {wanted}: this machine has {there} GPUs")
        return wanted


def job_of(recipe: Recipe, target: Target) -> Job:
    """The recipe's job for a target. Raises ValueError for a locator that is copied."""
    job = recipe.segmenter if target == "tissues" else recipe.locator
    if not isinstance(job, Job):
        raise ValueError(f"recipe {recipe.name} copies its locator")
    return job


def train_network(
    recipe: Recipe,
    target: Target,
    plan: TrainingPlan,
    splits: Mapping[str, LabelledSplits] | None = None,
    unlabelled: UnlabelledFrames | None = None,
) -> NetworkModule:
    """Train one network of a recipe, to the end or to its time limit; returns it with its curves.

    A signal that asks to stop ends it after the step that is under way, with a checkpoint and a
    KeyboardInterrupt that says how to go on. Raises TrainingError where there is nothing to resume, memory
    or disk is full, or the loss is not a number; the last checkpoint is kept. Raises DataError where the
    recipe needs labelled images or unlabelled frames, CollapseError where the labels of these went astray.
    """
    # Before any worker is forked: OpenCV's threads do not survive that, a worker that sets them hangs.
    cv2.setNumThreads(1)
    lightning.seed_everything(recipe.seed, verbose=False)
    processes = plan.devices_here * plan.nodes
    data = load_training_data(job_of(recipe, target), target, splits or {}, unlabelled)
    job = data.job.lasting(data.total_steps(processes))
    checkpoint = plan.checkpoint(target)
    if plan.resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: is missing: nothing to resume; start without --resume")
    steps_done = int(read_checkpoint(checkpoint)["global_step"]) if plan.resume else 0
    network = first_network(recipe, target, plan)
    module = NetworkModule(network, job, target, list(data.validation_sets), teaching=_teaching(recipe, data))
    module.frames = None if data.unlabelled is None else data.unlabelled.card
    if job.optimisation.precision == "auto":
        plan.tell(f"precision of this machine: {precision_here('auto', plan.on_gpu)}")
    interval = _interval(data, job, processes)
    trainer = _trainer(job, target, plan, interval)
    try:
        with _quiet_lightning(), stopping_on_signals(module.stop) as take_signals:
            loaders = TrainingDataModule(data, steps_done * job.optimisation.accumulate, take_signals)
            trainer.fit(
                module,
                datamodule=loaders,
                ckpt_path=str(checkpoint) if plan.resume else None,
                weights_only=True,
            )
            trainer.save_checkpoint(checkpoint)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise NetworkFailedError(
            f"out of memory at step {module.global_step} with batches of {job.optimisation.batch_size}: "
            "halve batch_size in the recipe and double accumulate, then go on with --resume"
        ) from error
    except SystemExit as error:
        # Lightning ends the process where a person has not the patience to wait for the step.
        raise KeyboardInterrupt(f"stopped at once: {plan.go_on} from the last checkpoint") from error
    if module.stop:
        raise KeyboardInterrupt(
            f"{module.stop.reason} at step {module.global_step:,} of {job.optimisation.total_steps:,}, "
            f"the checkpoint is written: {plan.go_on}"
        )
    return module


def first_network(recipe: Recipe, target: Target, plan: TrainingPlan) -> nn.Module:
    """The network as a training begins with it; a checkpoint that is resumed fills it again.

    Raises UsageError or WeightsError where the weights that the recipe starts from cannot fill it.
    """
    job = job_of(recipe, target)
    network: nn.Module = job.configuration.build()
    if recipe.start_from and not plan.resume:
        load_pretrained(network, recipe.start_from, target)
    if job.pretrained and not plan.resume:
        load_tensors(network, Path(job.pretrained))
    if plan.devices_here * plan.nodes > 1:
        network = synchronise_batch_norms(network, plan.on_gpu)
    placed: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _teaching(recipe: Recipe, data: TrainingData) -> Teaching | None:
    if data.taught is None:
        return None
    temperature = load_card(recipe.start_from).segmenter.temperature
    return Teaching(data.taught, temperature, data.job.second_size)


def load_trained(recipe: Recipe, target: Target, plan: TrainingPlan) -> NetworkModule:
    """The network as its last checkpoint left it, on the CPU. Raises TrainingError where there is none."""
    job = job_of(recipe, target)
    content = read_checkpoint(plan.checkpoint(target))
    module = NetworkModule(job.configuration.build(), job, target)
    module.load_state_dict(content["state_dict"])
    module.on_load_checkpoint(content)
    return module


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """What matters is told by this module; advertisements and advice for developers are not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield


def _interval(data: TrainingData, job: Job, processes: int) -> int:
    """Steps between two checkpoints; each comes with a validation."""
    often = max(data.steps_per_epoch(processes), -(-job.optimisation.total_steps // SHARES))
    return min(LONGEST_INTERVAL, often) if data.has_epochs else LONGEST_INTERVAL


class _SaveAndShow(Callback):
    """Saves the training each time it was validated, and shows how far it is after every step."""

    def __init__(self, checkpoint: Path, show: Callable[[TrainingState], None]) -> None:
        self.checkpoint, self.show = checkpoint, show

    def on_train_batch_end(self, trainer: Any, module: Any, *_: object) -> None:
        module.complete_batch()
        if trainer.is_global_zero:
            self.show(module.state(is_validated=False))

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        trainer.save_checkpoint(self.checkpoint)
        if trainer.is_global_zero:
            self.show(module.state(is_validated=True))


def _trainer(job: Job, target: Target, plan: TrainingPlan, interval: int) -> Any:
    settings = job.optimisation
    steps = plan.checkpoint_steps or interval
    several = plan.devices_here * plan.nodes > 1
    return lightning.Trainer(
        accelerator="gpu" if plan.on_gpu else "cpu",
        devices=plan.devices_here,
        num_nodes=plan.nodes,
        strategy="ddp" if several else "auto",
        use_distributed_sampler=False,
        plugins=[WholeCheckpoints()],
        max_steps=settings.total_steps,
        accumulate_grad_batches=settings.accumulate,
        precision=precision_here(settings.precision, plan.on_gpu),
        gradient_clip_val=settings.gradient_clip or None,
        logger=False,
        enable_checkpointing=False,
        callbacks=[_SaveAndShow(plan.checkpoint(target), plan.show)],
        val_check_interval=steps * settings.accumulate,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
