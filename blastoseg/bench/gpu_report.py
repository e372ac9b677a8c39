"""What a GPU makes of the networks: agreement with the CPU, speed, memory, whole runs on one and on several.

With the CPU in its place everything is done that needs no GPU, so that a test holds the rest together.
"""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from blastoseg import __version__
from blastoseg.bench.device_agreement import Agreement, agreements
from blastoseg.bench.run import DIFFERENT_FRAMES, BenchPlan, draw_folder
from blastoseg.model.batches import SIZES
from blastoseg.model.card import load_card
from blastoseg.model.cores import usable_cores
from blastoseg.model.device_passes import LANES
from blastoseg.model.devices import choose_device, describe_device, devices_named
from blastoseg.model.segmenter import Passes, Segmenter
from blastoseg.run.events import FrameScored, RunEnded, RunStarted
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from blastoseg.sources import SourceOptions, discover_frames, read_frame

CPU_FRAMES = 4
"""And crops, where a CPU stands in."""
ROUNDS = 3
PROCESSES = (2, 4, 8, 16)
"""Beside one device, as many as there are cores for."""
NAMES = ("gpu-report.md", "gpu-report.json")


@dataclass(frozen=True)
class BatchSpeed:
    """Of the segmenter, with averaging as in a run; memory is the device's at its height, None on the CPU."""

    batch_size: int
    ms_a_crop: float
    memory_mib: float | None


@dataclass(frozen=True)
class Overlap:
    """Milliseconds of a batch: asked for by one thread, by as many as a run has, and its copies alone."""

    one_thread_ms: float
    side_by_side_ms: float
    copies_ms: float


@dataclass(frozen=True)
class PassSpeed:
    """One way of computing passes; ``largest_difference`` is that of a probability from the eager pass."""

    passes: str
    ms_a_crop: float
    first_batch_s: float
    largest_difference: float


@dataclass(frozen=True)
class RunSpeed:
    """A whole run, report apart; ``same_tables`` as those of the first one."""

    devices: str
    processes: int
    frames_per_s: float
    same_tables: bool


@dataclass(frozen=True)
class GpuReport:
    """All of it; ``about`` says on what and with what."""

    about: dict[str, str]
    agreement: list[Agreement]
    batches: list[BatchSpeed]
    overlap: list[Overlap]
    passes: list[PassSpeed]
    runs: list[RunSpeed]


def report_on_device(plan: BenchPlan) -> GpuReport:
    """Measure everything on the plan's device (auto: the first GPU; all: all in whole runs).

    Raises DeviceError where there is no GPU and the CPU was not named.
    """
    names = devices_named("all" if plan.device == "auto" else plan.device)
    device = choose_device(names[0])
    is_gpu = device.type == "cuda"
    frames_folder = plan.folder / "frames"
    draw_folder(frames_folder, plan.frames, plan.side)
    options = SourceOptions(Settings().naming)
    refs = discover_frames([frames_folder], options).refs[: DIFFERENT_FRAMES if is_gpu else CPU_FRAMES]
    frames = [read_frame(ref, options) for ref in refs]
    chosen = Segmenter(load_card(plan.weights), names[0], None, flips=plan.flips)
    crops = np.random.default_rng(0).integers(0, 256, (SIZES[-1], *[chosen.input_side] * 2), np.uint8)
    crops = crops if is_gpu else crops[:CPU_FRAMES]
    return GpuReport(
        about=_about(device, plan, chosen),
        agreement=list(agreements(plan, names[0], frames)),
        batches=[_batch_speed(plan, names[0], size, crops) for size in (1, *SIZES) if size <= len(crops)],
        overlap=[_overlap(chosen, crops)],
        passes=list(_pass_speeds(plan, names[0], chosen.batch_size, crops)),
        runs=list(_run_speeds(plan, names, frames_folder)),
    )


def write_report(report: GpuReport, folder: Path) -> list[Path]:
    """Write the report as Markdown and as JSON; returns both files."""
    paths = [folder / name for name in NAMES]
    content = json.dumps(asdict(report), indent=2, allow_nan=False)
    for path, text in zip(paths, (as_markdown(report), f"{content}\n"), strict=True):
        path.write_text(text, "utf-8")
    return paths


def as_markdown(report: GpuReport) -> str:
    """A table for each part."""
    lines = ["# The networks on this device", "", *_table([("what", "value"), *report.about.items()])]
    for field in fields(report)[1:]:
        rows = [asdict(row) for row in getattr(report, field.name)]
        head = tuple(name.replace("_", " ") for name in rows[0])
        cells = (tuple(_cell(value) for value in row.values()) for row in rows)
        lines += ["", f"## {field.name.capitalize()}", "", *_table([head, *cells])]
    return "\n".join([*lines, ""])


def _cell(value: Any) -> str:
    if value is None:
        return "not known"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]]


def _about(device: torch.device, plan: BenchPlan, chosen: Segmenter) -> dict[str, str]:
    about = {
        "blastoseg": __version__,
        "weights": f"{chosen.card.name} {chosen.card.version}",
        "device": describe_device(device),
        "precision of a run": chosen.precision,
        "batch of a run": str(chosen.batch_size),
        "averaging": str(plan.flips),
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        driver = Path("/proc/driver/nvidia/version")
        about |= {
            "CUDA, cuDNN": f"{torch.version.cuda}, {torch.backends.cudnn.version()}",  # type: ignore[no-untyped-call]
            "convolutions of float32 by TF32": str(torch.backends.cudnn.allow_tf32),
            "driver": driver.read_text("utf-8").partition("\n")[0] if driver.is_file() else "not told",
            "compute capability": f"{card.major}.{card.minor}",
            "memory": f"{card.total_memory / 2**30:.0f} GiB",
            "devices here": str(torch.cuda.device_count()),
        }
    return about


def _seconds(networks: Segmenter, crops: NDArray[np.uint8]) -> tuple[float, float]:
    """Of the first batch, and of the fastest after it."""
    times = []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        networks.segment_batch(crops)
        times.append(time.perf_counter() - began)
    return times[0], min(times[1:])


def _batch_speed(plan: BenchPlan, device: str, size: int, crops: NDArray[np.uint8]) -> BatchSpeed:
    networks = Segmenter(load_card(plan.weights), device, size, flips=plan.flips)
    is_gpu = networks.device.type == "cuda"
    if is_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(networks.device)
    _, seconds = _seconds(networks, crops[:size])
    memory = torch.cuda.max_memory_allocated(networks.device) / 2**20 if is_gpu else None
    return BatchSpeed(size, 1000 * seconds / size, memory)


def _overlap(networks: Segmenter, crops: NDArray[np.uint8]) -> Overlap:
    batch = crops[: networks.batch_size]
    _, alone = _seconds(networks, batch)
    asked = [batch] * (4 * LANES)
    with networks.side_by_side() as threads, ThreadPoolExecutor(threads) as asking:
        list(asking.map(networks.segment_batch, asked[:threads]))
        began = time.perf_counter()
        answers = list(asking.map(networks.segment_batch, asked))
        together = (time.perf_counter() - began) / len(asked)
    host = [torch.from_numpy(array) for array in (batch, answers[0])]
    if networks.device.type == "cuda":
        host = [tensor.pin_memory() for tensor in host]
    copies = []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        for tensor in host:
            tensor.to(networks.device, non_blocking=True)
        if networks.device.type == "cuda":
            torch.cuda.synchronize(networks.device)
        copies.append(time.perf_counter() - began)
    return Overlap(1000 * alone, 1000 * together, 1000 * min(copies[1:]))


def _pass_speeds(plan: BenchPlan, device: str, size: int, crops: NDArray[np.uint8]) -> Iterator[PassSpeed]:
    """Compiling and recording are for GPUs: on a CPU they take minutes, or are not there."""
    ways: tuple[Passes, ...] = ("eager", "compiled", "recorded")
    expected = None
    for passes in ways if choose_device(device).type == "cuda" else ways[:1]:
        networks = Segmenter(load_card(plan.weights), device, size, flips=plan.flips)
        networks.compute_by(passes)
        first, seconds = _seconds(networks, crops[:size])
        answer = networks.segment_batch(crops[:size])
        expected = answer if expected is None else expected
        off = float(np.abs(answer - expected).max())
        yield PassSpeed(passes, 1000 * seconds / len(crops[:size]), first, off)


def _run_speeds(plan: BenchPlan, names: Sequence[str], frames_folder: Path) -> Iterator[RunSpeed]:
    """On one device with ever more processes beside it, then on two devices with the plan's, and so on.

    A CPU that stands in alone is named twice.
    """
    several = names if len(names) > 1 or names[0] != "cpu" else ("cpu", "cpu")
    alone = [(names[0], count) for count in PROCESSES if count <= max(usable_cores(), PROCESSES[0])]
    together = [(",".join(several[:number]), plan.workers) for number in range(2, len(several) + 1)]
    tables: list[bytes] = []
    for number, (devices, workers) in enumerate([*alone, *together], start=1):
        out = plan.folder / f"run-{number}"
        request = RunRequest(
            paths=[frames_folder],
            settings=Settings(weights=plan.weights, flips=plan.flips),
            out=out,
            device=devices,
            engine="torch",
            # That the sizes are the same is what makes the bytes the same.
            batch_size=plan.batch_size,
            workers=workers,
        )
        start = end = 0.0
        scored = 0
        for event in score_folder(request):
            if isinstance(event, RunStarted):
                start = time.perf_counter()
            if isinstance(event, FrameScored):
                scored, end = scored + 1, time.perf_counter()
            if isinstance(event, RunEnded):
                tables.append((out / "frames.csv").read_bytes())
        rate = scored / (end - start)
        yield RunSpeed(devices, request.processes, rate, same_tables=tables[-1] == tables[0])
