"""The actors of a run: as many as the cluster has room for, while it grows and shrinks.

One more than that is always asked for: it begins where a machine joins, and tells a cluster that can grow
by itself that it should.
"""

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from blastoseg import __version__
from blastoseg.errors import (
    DeviceError,
    EnvironmentProblemError,
    WeightsError,
    counted,
)
from blastoseg.model.batches import CPU_SIZE
from blastoseg.model.card import Card, available_weights
from blastoseg.model.engine import OF_ONNX_RUNTIME
from blastoseg.run.distributed.remote import AT_ONCE, FrameToScore, Greeting, Refusal, RemoteScorer
from blastoseg.run.request import RunRequest
from blastoseg.stages import stages_in_words
from blastoseg.stopping import StopRequest

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""Without any machine: a cluster that grows by itself takes minutes to start one."""
LOOK_EVERY_S = 2.0
MOST_LOSSES = 20
"""Machines that are lost one after another without a batch done between: something is wrong with all."""


@dataclass(eq=False)
class Machine:
    """An actor that is ready, and how many batches it may still be given."""

    actor: Any
    host: str
    free: int = AT_ONCE


class Machines:
    """The machines that score for a run. Not for several threads."""

    def __init__(self, ray: Any, request: RunRequest, card: Card) -> None:
        self._ray = ray
        self._card = card
        device = self._device(request)
        self._needs = {"num_cpus": request.processes, "num_gpus": int(device == "cuda")}
        self._work = request_for_machines(request, card, device)
        self._actor = ray.remote(RemoteScorer)
        self._starting: dict[Any, Any] = {}
        self._ready: list[Machine] = []
        self._looked = self._last_seen = -float("inf")
        self._losses = 0
        self._last_loss = ""
        self.greeting: Greeting | None = None
        """That of the first machine, which all others must agree with."""

    def start(self, stop: StopRequest) -> None:
        """Wait for the first machine.

        Raises what it refuses with, DeviceError where none comes, KeyboardInterrupt where it is told to stop.
        """
        self._last_seen = time.monotonic()
        while not self._ready:
            if stop:
                raise KeyboardInterrupt(f"{stop.reason} before a machine was ready; run again to go on")
            self.look(1)
            if problem := self.problem():
                raise DeviceError(f"--ray: {problem}")
            self._ray.wait(list(self._starting), timeout=1.0)

    @property
    def count(self) -> int:
        """How many are ready."""
        return len(self._ready)

    @property
    def answers(self) -> list[Any]:
        """What to wait for until a further one is ready."""
        return list(self._starting)

    def look(self, most: int) -> None:
        """Take in machines that became ready, and ask for more where there is room, up to ``most``."""
        if self._starting:
            done, _ = self._ray.wait(self.answers, num_returns=len(self._starting), timeout=0)
            for answer in done:
                self._greet(answer)
        now = time.monotonic()
        if self._ready:
            self._last_seen = now
        if now - self._looked > LOOK_EVERY_S:
            self._looked = now
            for _ in range(min(self._room() + 1, most) - len(self._ready) - len(self._starting)):
                actor = self._actor.options(
                    **self._needs, max_restarts=0, max_task_retries=0, max_concurrency=AT_ONCE
                ).remote(self._work)
                self._starting[actor.begin.remote()] = actor

    def problem(self) -> str:
        """Why the run cannot go on, or nothing."""
        if self._losses > MOST_LOSSES:
            return f"{self._losses} machines were lost one after another; the last one {self._last_loss}"
        if time.monotonic() - self._last_seen > PATIENCE_S:
            gpu = " and a GPU" if self._needs["num_gpus"] else ""
            needs = counted(self._needs["num_cpus"], "free processor") + gpu
            return f"for {PATIENCE_S / 60:g} minutes no machine of the cluster had {needs}: see --workers"
        return ""

    def give(self, frames: list[FrameToScore], alone: bool) -> tuple[Machine, Any] | None:
        """Hand a batch to a machine: that, and what will be its answer; None while all have enough to do.

        ``alone``: to one that has nothing else, and gets nothing else beside it.
        """
        takes = AT_ONCE if alone else 1
        machine = max(self._ready, key=lambda one: one.free, default=None)
        if machine is None or machine.free < takes:
            return None
        machine.free -= takes
        return machine, machine.actor.score.remote(frames)

    def take_back(self, machine: Machine, alone: bool) -> None:
        """A machine has done a batch that it was given."""
        machine.free += AT_ONCE if alone else 1
        self._losses = 0

    def lose(self, machine: Machine, why: str) -> None:
        """Have done with a machine that is gone, or has to go."""
        if machine in self._ready:
            self._ready.remove(machine)
            self._lost(machine.actor, machine.host, why)

    def _lost(self, actor: Any, host: str, why: str) -> None:
        log.warning("machine %s was lost: it %s", host, why)
        self._losses += 1
        self._last_loss = why
        self._looked = -float("inf")
        self._ray.kill(actor)

    def _greet(self, answer: Any) -> None:
        actor = self._starting.pop(answer)
        try:
            greeting: Greeting | Refusal = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise EnvironmentProblemError(
                f"--ray: a machine of the cluster cannot score: {last_line(error)}: install the same there"
            ) from error
        except self._ray.exceptions.RayError as error:
            self._lost(actor, "that just started", f"died ({first_line(error)})")
            return
        if isinstance(greeting, Refusal):
            raise type(greeting.error)(f"machine {greeting.host}: {greeting.error}")
        self._check(greeting)
        log.info("machine %s scores: %s", greeting.host, greeting.device)
        self._ready.append(Machine(actor, greeting.host))

    def _check(self, greeting: Greeting) -> None:
        """Raise where a machine would give other numbers than the rest of the run."""
        where = f"machine {greeting.host}"
        ours = stages_in_words(greeting.engine)
        if (greeting.version, greeting.stages) != (__version__, ours):
            raise EnvironmentProblemError(
                f"{where}: has blastoseg {greeting.version} ({greeting.stages}), this one {__version__} "
                f"({ours}): install the same on all"
            )
        if greeting.weights != self._card.fingerprint:
            raise WeightsError(f"{where}: has other weights named {self._card.name}: install the same on all")
        first = self.greeting = self.greeting or greeting
        if (greeting.engine, greeting.precision) != (first.engine, first.precision):
            raise EnvironmentProblemError(
                f"{where}: computes with {greeting.engine} in {greeting.precision}, {first.host} with "
                f"{first.engine} in {first.precision}: give --engine, or install the same on all"
            )

    def _room(self) -> int:
        """How many actors the cluster has room for, were it for this run alone."""
        room = 0
        for node in self._ray.nodes():
            has = node["Resources"]
            if node["Alive"]:
                processors = int(has.get("CPU", 0) // self._needs["num_cpus"])
                room += min(processors, int(has.get("GPU", 0))) if self._needs["num_gpus"] else processors
        return room

    def _device(self, request: RunRequest) -> str:
        if request.device not in ("auto", "cpu", "cuda"):
            raise DeviceError(
                f"--device {request.device}: with --ray choose auto, cpu or cuda: a GPU a machine"
            )
        if request.device != "auto":
            return request.device
        has_gpus = any(node["Resources"].get("GPU", 0) >= 1 for node in self._ray.nodes() if node["Alive"])
        return "cuda" if has_gpus and request.engine not in OF_ONNX_RUNTIME else "cpu"


def request_for_machines(request: RunRequest, card: Card, device: str) -> RunRequest:
    """What the run's machines are asked: as the run itself, without what is the run's alone."""
    weights = request.settings.weights
    if weights not in available_weights():
        weights = str(card.folder)
    return replace(
        request,
        settings=request.settings.model_copy(update={"weights": weights}),
        device=device,
        # Each for itself could find another, and batches of different sizes round differently.
        batch_size=request.batch_size or CPU_SIZE,
        workers=request.processes,
        ray=None,
        embryos=None,
        letters=None,
        archive=None,
        stop=StopRequest(),
    )


def first_line(error: BaseException) -> str:
    """What an error says first."""
    return _lines(error)[0].rstrip(".:")


def last_line(error: BaseException) -> str:
    """What an error says last, as the end of a traceback."""
    return _lines(error)[-1].rstrip(".")


def _lines(error: BaseException) -> list[str]:
    return [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
