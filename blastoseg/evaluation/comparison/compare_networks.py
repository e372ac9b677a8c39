"""A whole comparison: every network, fold and seed trained in turn or one a device; then tables."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg.datasets import open_dataset
from blastoseg.errors import BlastosegError, TrainingError, UsageError, counted
from blastoseg.evaluation.comparison.members import Member
from blastoseg.evaluation.comparison.protocol import Protocol, keep_protocol, labelled_data, write_splits
from blastoseg.evaluation.comparison.report import write_report
from blastoseg.evaluation.comparison.results import Trained, load_cost, load_result, save_cost
from blastoseg.evaluation.comparison.trial import Trial, is_done, run_trial
from blastoseg.training.cost import cost_of
from blastoseg.training.recipe_network import problems_of_network
from blastoseg.training.trainer import TrainingPlan

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, under which protocol, and where: ``out`` gets a folder a network, and the tables.

    ``plan`` says where a training runs (its ``work`` is replaced). With ``devices`` of more than 1 so many
    trainings run side by side, each in a process of its own and on a GPU of its own where there are any.
    """

    members: Sequence[Member]
    protocol: Protocol
    out: Path
    plan: TrainingPlan
    devices: int = 1


def compare_networks(request: Comparison) -> dict[str, pd.DataFrame]:
    """Train and test what is not done yet, and write the tables; returns them by name.

    A network that fails is a row that says so. Raises the errors of training and data, UsageError where
    ``out`` holds a comparison under another protocol.
    """
    protocol, out, plan = request.protocol, request.out, request.plan
    data = labelled_data(protocol.recipe)
    dataset = open_dataset(Path(protocol.data), data.pairs)
    _check_request(request)
    for member in request.members:
        _check_member(member, protocol)
    keep_protocol(protocol, out)
    write_splits(dataset, protocol, out)
    trials = [
        Trial(member, fold, seed)
        for seed in range(protocol.seeds)
        for fold in range(1, protocol.folds + 1)
        for member in request.members
    ]
    waiting = [trial for trial in trials if not is_done(trial, out)]
    done = len(trials) - len(waiting)
    plan.tell(f"{counted(len(trials), 'training')}, of which done: {done}")
    if request.devices > 1:
        _side_by_side(waiting, request)
    else:
        for trial in waiting:
            _tell_result(trial, run_trial(trial, protocol, out, plan), plan.tell)
    _measure_costs(request)
    return write_report(out, plan.tell)


def _measure_costs(request: Comparison) -> None:
    """Once a network, when nothing is trained any more that would take the cores from it."""
    side = request.protocol.recipe.segmenter.input_size
    for member in request.members:
        if load_cost(request.out, member.name) is None:
            request.plan.tell(f"timing {member.shown}")
            save_cost(cost_of(member.architecture, member.settings, side), request.out, member.name)


def _check_request(request: Comparison) -> None:
    """Raise DeviceError for GPUs that are not there, UsageError for a file that no network starts from."""
    _ = request.plan.devices_here
    names = [member.name for member in request.members]
    strange = [name for name in request.protocol.pretrained if name not in names]
    if strange:
        raise UsageError(f"--pretrained {strange[0]}: is none of those compared: {', '.join(names)}")


def _check_member(member: Member, protocol: Protocol) -> None:
    """Whether it can be built and fitted at all, before hours are spent on the others."""
    job = protocol.recipe_of(member, 0).segmenter
    problems = "; ".join(problems_of_network(job))
    if problems:
        raise TrainingError(f"{member.shown}: {problems}")


def _tell_result(trial: Trial, result: Trained | None, tell: Callable[[str], None]) -> None:
    words = "no result" if result is None else f"failed: {result.failed}" if result.failed else "done"
    tell(f"{trial}: {words}")


def _side_by_side(waiting: Sequence[Trial], request: Comparison) -> None:
    """A process for each training, so many at a time; the next begins where one has ended."""
    context = multiprocessing.get_context("spawn")
    left = list(waiting)
    running: dict[int, tuple[SpawnProcess, Trial]] = {}
    try:
        while left or running:
            for device in set(range(request.devices)) - set(running):
                if left:
                    trial = left.pop(0)
                    request.plan.tell(f"{trial} begins, on device {device}")
                    arguments = (trial, request.protocol, request.out, request.plan.accelerator)
                    process = context.Process(target=_run_apart, args=arguments)
                    with _seeing(device, request.plan.on_gpu):
                        process.start()
                    running[device] = process, trial
            wait([process.sentinel for process, _ in running.values()])
            for device, (process, trial) in list(running.items()):
                if not process.is_alive():
                    del running[device]
                    _settle(process, trial, request)
    finally:
        # Each saves the step under way, and the same command goes on from there.
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.join()


def _settle(process: SpawnProcess, trial: Trial, request: Comparison) -> None:
    result = load_result(trial.folder(request.out))
    _tell_result(trial, result, request.plan.tell)
    if result is None:
        raise TrainingError(
            f"{trial}: its process ended with {process.exitcode}, see above: start the same command to go on"
        )


def _run_apart(trial: Trial, protocol: Protocol, out: Path, accelerator: Any) -> None:
    """In a process of its own. What ends it early is told, and is its exit code."""
    plan = TrainingPlan(work=out, accelerator=accelerator, devices=1, tell=lambda text: None)
    try:
        run_trial(trial, protocol, out, plan)
    except BlastosegError as error:
        print(f"{trial}: {error}", flush=True)
        raise SystemExit(error.exit_code) from error


@contextmanager
def _seeing(device: int, on_gpu: bool) -> Iterator[None]:
    """A process that starts meanwhile sees one GPU only."""
    if not on_gpu:
        yield
        return
    before = os.environ.get(VISIBLE)
    there = before.split(",") if before else None
    os.environ[VISIBLE] = there[device] if there else str(device)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before
