"""The Lightning module that trains either network, its schedule, and the average of its weights."""

import math
import time
from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from blastoseg.errors import EXIT_INTERRUPTED, CollapseError, NetworkFailedError
from blastoseg.model.architectures.contract import bring_to_size
from blastoseg.model.card import ListCard
from blastoseg.stopping import StopRequest
from blastoseg.training.collapse import collapse_of
from blastoseg.training.curves import Curves
from blastoseg.training.loss import labels_at, mask_loss, pseudo_label_loss, segmentation_loss
from blastoseg.training.metrics import class_scores, confusion
from blastoseg.training.optimiser import learning_rate_factor, optimiser_of
from blastoseg.training.recipe import Job
from blastoseg.training.sample import Target
from blastoseg.training.state import TrainingState
from blastoseg.training.teacher import PseudoLabels, Teaching, pseudo_labels


def _moving_average(network: nn.Module, decay: float, keeps_start: bool) -> AveragedModel:
    """An exponential average; without ``keeps_start`` it forgets faster at first: the start is untrained."""

    def average(averaged: Any, current: Any, updates: Any) -> None:
        count = int(updates)
        now = decay if keeps_start else min(decay, (1 + count) / (10 + count))
        warm = get_ema_multi_avg_fn(now)  # type: ignore[no-untyped-call]
        warm(averaged, current, updates)

    averaged = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
    if keeps_start:
        # Of none so far, the first update would take the network's weights as they are.
        averaged.n_averaged.fill_(1)
    # Several processes wait for the gradients of everything that asks for one.
    return averaged.requires_grad_(False)


class NetworkModule(lightning.LightningModule):
    """Trains a network for one target. ``average`` is the moving average of weights and BatchNorm statistics.

    ``validated`` names the sources whose held-out samples validate it, in the order of their loaders;
    ``teaching`` says what it learns unlabelled frames by, and with: the average is their teacher.
    """

    def __init__(
        self,
        network: nn.Module,
        job: Job,
        target: Target,
        validated: Sequence[str] = (),
        teaching: Teaching | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.job = job
        self.target = target
        self.validated = tuple(validated)
        decay = job.optimisation.ema_decay
        self.teaching = teaching
        self.frames: ListCard | None = None
        """Which frames without labels took part; kept in checkpoints, for the card."""
        self.average = _moving_average(network, decay, teaching is not None) if decay else None
        # A list hides the compiled twin from the state dict: it shares the network's weights. Not dynamic: a
        # graph for any size is slower than one for each.
        self._forward = [torch.compile(network, dynamic=False) if job.optimisation.compile else network]
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self.curves = Curves()
        self._losses: list[float] = []
        self._taught: list[PseudoLabels] = []
        self._counts: dict[int, list[tuple[float, int, Any]]] = {}
        self.stop = StopRequest()
        self._first_step: tuple[float, float] | None = None

    @property
    def best_network(self) -> nn.Module:
        """The averaged network where there is one, else the network."""
        return self.network if self.average is None else self.average.module

    @property
    def elapsed_seconds(self) -> float:
        """Time spent on this training, earlier runs that it resumes included."""
        return self._seconds_before + time.monotonic() - self._started

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or by the time allowed, whichever is further."""
        settings = self.job.optimisation
        share = self.global_step / settings.total_steps
        if settings.max_minutes is not None:
            share = max(share, self.elapsed_seconds / 60 / settings.max_minutes)
        return share

    def loss(self, outputs: Any, truth: Tensor) -> Tensor:
        """The job's loss of one batch; ``truth`` holds class channels or masks."""
        if self.target == "tissues":
            return segmentation_loss(outputs, truth.long(), self.job.loss)
        return mask_loss(outputs, truth, self.job.loss)

    def training_step(self, batch: Any, _index: int) -> Tensor:
        """One batch ``(image, truth)``; with a teacher ``(image, truth), (frame, the same changed)``."""
        if self.teaching is None:
            image, truth = batch
            loss = self.loss(self._outputs(image), self._sized(truth))
        else:
            loss = self._taught_loss(self.teaching, *batch)
        self._check(bool(torch.isfinite(loss)), "the loss is")
        self._losses.append(float(loss.detach()))
        self.log("train_loss", loss, prog_bar=True)
        return loss

    def _taught_loss(
        self, teaching: Teaching, labelled: tuple[Tensor, Tensor], frames: tuple[Tensor, Tensor]
    ) -> Tensor:
        image, truth = labelled
        plain, changed = frames
        labels = pseudo_labels(self.best_network, plain, teaching)
        self._taught.append(labels)
        # One pass: BatchNorm sees both kinds of images, as the network will have to.
        outputs = self._outputs(torch.cat([image, changed]))
        count = len(image)
        loss = self.loss([maps[:count] for maps in outputs], self._sized(truth))
        weight = teaching.settings.weight_at(self.global_step)
        return loss + weight * pseudo_label_loss(
            [maps[count:] for maps in outputs], self._sized(labels.channels), self.job.loss
        )

    @property
    def _second_side(self) -> int | None:
        """The second size where the batch is seen at it: every other one."""
        return self.job.second_size if self.global_step % 2 else None

    def _outputs(self, image: Tensor) -> Any:
        if side := self._second_side:
            image = bring_to_size(image, side, side, antialias=True)
        return self._forward[0](image.contiguous(memory_format=torch.channels_last))

    def _sized(self, truth: Tensor) -> Tensor:
        side = self._second_side
        return labels_at(truth, torch.Size((side, side))) if side else truth

    def _check(self, is_number: bool, subject: str) -> None:
        """Stop all processes where one of them met a value that is no number."""
        if self.trainer.world_size > 1:
            is_number = self.trainer.strategy.reduce_boolean_decision(is_number, all=True)
        if not is_number:
            raise NetworkFailedError(
                f"{subject} not a number at step {self.global_step}: lower learning_rate in the recipe and "
                "continue from the last checkpoint with --resume"
            )

    def complete_batch(self) -> None:
        """Count a batch whose optimiser step, if it had one, is done; before anything is saved."""
        if len(self._losses) < self.job.optimisation.accumulate:
            return
        self.curves.training.append((self.global_step, float(np.mean(self._losses))))
        self._losses.clear()
        self._watch_teacher()
        if self.average is not None:
            self.average.update_parameters(self.network)
        # Clocks differ, and not every process need get a signal: all stop when the first does.
        if self._in_any_process(bool(self.stop)):
            self.stop.ask("stopped with another process", EXIT_INTERRUPTED)
            self.trainer.should_stop = True
            # What asks to stop may not wait: the checkpoint comes next.
            self.trainer.limit_val_batches = 0
        elif self._in_any_process(self.progress >= 1):
            self.trainer.should_stop = True

    def _watch_teacher(self) -> None:
        if self.teaching is None:
            return
        rows = [(labels.used, *labels.shares) for labels in self._taught]
        self._taught.clear()
        means = np.mean(rows, axis=0)
        self.curves.unlabelled.append((self.global_step, *(float(value) for value in means)))
        problem = collapse_of(self.curves.unlabelled, self.teaching.settings)
        if self._in_any_process(bool(problem)):
            raise CollapseError(problem or "the labels of the unlabelled frames collapsed in another process")

    def _in_any_process(self, decision: bool) -> bool:
        if self.trainer.world_size > 1:
            decision = self.trainer.strategy.reduce_boolean_decision(decision, all=False)
        return decision

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int, dataloader_idx: int = 0) -> None:
        image, truth = batch
        outputs = self.best_network(image)
        loss = self.loss(outputs, truth)
        counts = None
        if self.target == "tissues":
            height, width = image.shape[-2:]
            chosen = bring_to_size(outputs[0], height, width).argmax(dim=1)
            counts = confusion(truth.cpu().numpy(), chosen.cpu().numpy(), outputs[0].shape[1])
        self._counts.setdefault(dataloader_idx, []).append((float(loss) * len(image), len(image), counts))

    def on_validation_epoch_end(self) -> None:
        for index, batches in self._counts.items():
            loss = sum(summed for summed, _, _ in batches) / sum(number for _, number, _ in batches)
            tables = [counts for _, _, counts in batches if counts is not None]
            jaccard = float(np.nanmean(class_scores(np.sum(tables, axis=0)).jaccard)) if tables else math.nan
            rows = self.curves.validation.setdefault(self.validated[index], [])
            if not rows or rows[-1][0] < self.global_step:
                rows.append((self.global_step, loss, jaccard))
        self._counts.clear()

    def state(self, is_validated: bool) -> TrainingState:
        """How far the training is; ``is_validated`` where it was validated at this step."""
        share = min(1.0, self.progress)
        now = time.monotonic()
        # The first step waits for the workers, and for the compiler.
        self._first_step = self._first_step or (now, share)
        started, share_then = self._first_step
        done = share - share_then
        return TrainingState(
            step=self.global_step,
            total_steps=self.job.optimisation.total_steps,
            share=share,
            seconds_left=(now - started) / done * (1 - share) if done else math.nan,
            loss=self.curves.training[-1][1] if self.curves.training else math.nan,
            validation={name: rows[-1][1:3] for name, rows in self.curves.validation.items()},
            is_validated=is_validated,
        )

    def configure_optimizers(self) -> Any:
        settings = self.job.optimisation
        optimiser = optimiser_of(self.network.parameters(), settings)

        def factor(step: int) -> float:
            warm = min(1.0, (step + 1) / (settings.warmup_steps + 1))
            return warm * learning_rate_factor(self.progress if step else 0.0, settings)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        sound = all(bool(torch.isfinite(value).all()) for value in self.network.state_dict().values())
        self._check(sound, "some weight is")
        checkpoint["elapsed_seconds"] = self.elapsed_seconds
        checkpoint["curves"] = self.curves.state()
        checkpoint["processes"] = self.trainer.world_size
        if self.frames is not None:
            checkpoint["unlabelled"] = self.frames.model_dump()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.curves = Curves.of(checkpoint.get("curves", {}))
        self._seconds_before = float(checkpoint["elapsed_seconds"])
        self._started = time.monotonic()
