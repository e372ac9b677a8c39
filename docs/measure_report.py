"""Measures what a report costs: minutes, processor time, memory and bytes, from a synthetic ledger.

    python docs/measure_report.py [--frames 20000] [--of-embryo 144] [--tables csv] FOLDER

FOLDER gets a ledger of so many frames, unless one is there, and the report of it. No network is run, and
there are no pictures. Each embryo grows along a curve of its own: excluded frames without a cavity, then
one that opens, a zona that thins, now and then a collapse, a frame out of focus or a file that could not
be read. Beyond the first 96 embryos the same courses come again, of other patients and in other months.
"""

import argparse
import contextlib
import math
import resource
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from blastoseg.columns import PIXEL_COLUMNS
from blastoseg.records import AboutEmbryo, Flag, FrameRef, FrameResult, Status, TimeReference
from blastoseg.run.events import RunEnded
from blastoseg.run.journal import FrameKey, Journal, ScoredWith, StoredFrame, as_row
from blastoseg.run.journal.rows import stored_frame
from blastoseg.run.outputs import OutputFolder
from blastoseg.run.provenance import Provenance
from blastoseg.run.reporting import Report
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import Surroundings, placed_row, reported_row
from blastoseg.settings import Settings
from blastoseg.sources.addresses import WholeImage

WEIGHTS = "0" * 64
STEP_H, FIRST_H = 1 / 3, 88.0
OF_PATIENT = 8
COURSES = 12 * OF_PATIENT
"""Embryos that are made up: others are copies of these, for numbers as text take most of a ledger's time."""
ROWS_AT_ONCE = 4096
UM_PER_PX = 0.5
SECONDS_A_LOOK = 0.2


def growth(rng: np.random.Generator, frames: int) -> dict[str, Any]:
    """Columns of one embryo's frames, in pixels: a radius in micrometres and a cavity decide the others."""
    hours = FIRST_H + rng.uniform(0, 6) + STEP_H * np.arange(frames)
    opened, pace = rng.normal(102, 6), rng.uniform(3, 7)
    cavity = np.clip(rng.uniform(0.55, 0.8) / (1 + np.exp(-(hours - opened - 8) / pace)), 0, 1)
    radius = rng.uniform(56, 64) + rng.uniform(15, 45) * cavity
    if rng.random() < 0.4:
        start = rng.integers(frames // 2, frames)
        dip = 1 - rng.uniform(0.08, 0.25) * np.exp(-np.maximum(np.arange(frames) - start, 0) / 5)
        radius = np.where(np.arange(frames) >= start, radius * dip, radius)
    wander = 1 + rng.normal(0, 0.012, (12, frames))
    area = math.pi * (radius / UM_PER_PX) ** 2 * wander[0]
    diameter = 2 * np.sqrt(area / math.pi)
    zona = np.maximum(rng.uniform(13, 18) * (60 / radius) ** 2, 2) / UM_PER_PX * wander[1]
    icm = area * np.clip(rng.uniform(0.08, 0.2) * (1.4 - cavity), 0.02, 0.4) * wander[2]
    te = rng.uniform(8, 14) / UM_PER_PX * (1.3 - cavity) * wander[3]
    columns = {
        "time_h": hours,
        "blastocyst_area_px2": area.round(),
        "blastocoel_area_px2": (area * cavity * wander[4]).round(),
        "icm_area_px2": icm.round(),
        "te_area_px2": (np.pi * diameter * te).round(),
        "embryo_area_px2": (np.pi * (diameter / 2 + zona) ** 2).round(),
        "zp_area_px2": (np.pi * (diameter + zona) * zona).round(),
        "blastocoel_area_frac": cavity * wander[4],
        "blastocoel_volume_frac_est": np.clip(cavity * wander[4], 0, 1) ** 1.5,
        "icm_area_frac": icm / area,
        "te_area_frac": np.pi * diameter * te / area,
        "extruded_area_px2": np.zeros(frames),
        "extruded_area_frac": np.zeros(frames),
        "icm_components": np.where(rng.random(frames) < 0.02, 2, 1),
        "zp_gap_count": (rng.random(frames) < 0.05).astype(int),
        "zp_is_breached": np.zeros(frames, bool),
        "zp_parted_frac": rng.uniform(0, 0.04, frames),
        "zp_integrity_frac": rng.uniform(0.97, 1, frames),
    }
    widths = {"blastocyst": diameter, "embryo": diameter + 2 * zona, "icm": 2 * np.sqrt(icm / math.pi)}
    widths |= {"te_thickness": te, "zp_thickness": zona, "blastocoel": diameter * np.sqrt(cavity)}
    for column in PIXEL_COLUMNS:
        if column.name in columns or column.unit not in ("px", "px2", "deg", "fraction", ""):
            continue
        # What nothing above decides stays near a level of the embryo's own.
        stem = next((one for one in widths if column.name.startswith(one) and column.unit == "px"), None)
        level = widths[stem] * rng.uniform(0.8, 1.2) if stem else rng.uniform(0.7, 0.99) * np.ones(frames)
        columns[column.name] = level * (1 + rng.normal(0, 0.01, frames))
    return columns


def patient_of(number: int) -> str:
    """The name of an embryo's patient."""
    return f"P{number // OF_PATIENT:05d}"


def inseminated(number: int) -> str:
    """When an embryo was inseminated: 80 in each of 72 months."""
    return f"{2020 + number // 960 % 6}-{number // 80 % 12 + 1:02d}-{number % 28 + 1:02d}T09:00"


def results(number: int, frames: int) -> Iterator[FrameResult]:
    """The results of one embryo's frames, in the order of time."""
    rng = np.random.default_rng(number)
    columns = growth(rng, frames)
    hours, cavity = columns.pop("time_h"), columns["blastocoel_area_frac"]
    embryo = f"{patient_of(number)} Well {number % OF_PATIENT + 1}"
    plain = {name: values.tolist() for name, values in columns.items()}
    for index, chance in enumerate(rng.random(frames)):
        ref = FrameRef(
            embryo_id=embryo,
            source=f"{embryo}/{index:04d}.jpg",
            path=Path(embryo),
            frame_index=index,
            address=WholeImage(),
            time_h=float(hours[index]),
            time_reference=TimeReference.INSEMINATION,
            about=AboutEmbryo(patient=patient_of(number), insemination_time=inseminated(number)),
        )
        if chance < 0.002:
            yield FrameResult(ref, Status.FAILED, reason="the file ends before the image does")
        elif cavity[index] < 0.08:
            yield FrameResult(ref, Status.EXCLUDED, (Flag.NOT_BLASTOCYST,), "no blastocyst: no cavity")
        else:
            is_blurred = chance > 0.93
            yield FrameResult(
                ref,
                Status.REVIEW if is_blurred else Status.OK,
                (Flag.OUT_OF_FOCUS,) if is_blurred else (),
                "out of focus" if is_blurred else "",
                measures={name: values[index] for name, values in plain.items()},
                pixels=f"{number:016x}{index:016x}",
            )


def stored(scored_with: ScoredWith, result: FrameResult) -> StoredFrame:
    """A result as a run leaves it in the ledger."""
    ref = result.ref
    key = FrameKey(ref.source, ref.address.key, "1:1:1")
    return stored_frame(scored_with, key, result, Surroundings.of(ref, UM_PER_PX, "option").as_text())


def copied(row: StoredFrame, number: int, copy: int) -> StoredFrame:
    """A row of embryo ``number`` as that of its ``copy``, the same well of another patient."""
    old, new = patient_of(number), patient_of(copy)
    # Numbers are filled up where they sort frames.
    return row._replace(
        source=row.source.replace(old, new),
        place=row.place.replace(f"P{number // OF_PATIENT:020d}", f"P{copy // OF_PATIENT:020d}"),
        row=row.row.replace(old, new).replace(f'"pixels": "{number:016x}', f'"pixels": "{copy:016x}'),
        around=row.around.replace(old, new).replace(inseminated(number), inseminated(copy)),
    )


def rows_of_ledger(scored_with: ScoredWith, frames: int, of_embryo: int) -> Iterator[StoredFrame]:
    """The rows of so many frames, in the order of embryo and time."""
    courses: list[list[StoredFrame]] = []
    for embryo in range(math.ceil(frames / of_embryo)):
        if embryo < COURSES:
            courses.append([stored(scored_with, result) for result in results(embryo, of_embryo)])
        number = embryo % COURSES
        for row in courses[number][: frames - embryo * of_embryo]:
            yield row if embryo == number else copied(row, number, embryo)


def write_ledger(out: Path, request: RunRequest, frames: int, of_embryo: int) -> None:
    """A ledger of so many frames, as a run leaves it."""
    with Journal(out) as journal:
        number = journal.start_run({})
        rows = rows_of_ledger(request.scored_with(WEIGHTS, "torch", ""), frames, of_embryo)
        # In few transactions: each waits for the disk.
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            journal.put(batch)
        journal.end_run(number, {"exit_code": 0})


def reported(journal: Journal, request: RunRequest) -> Iterator[dict[str, Any]]:
    """The rows of a report, as those of embryos that are no longer in the input."""
    for row in journal.all_stored(request.scored_with(WEIGHTS, "torch", "")):
        around = Surroundings.from_text(row.around)
        yield reported_row(placed_row(as_row(row), around, request.settings.quality), ())


@contextlib.contextmanager
def measured(what: str) -> Iterator[None]:
    """Print minutes, processor time and the most memory of this process, in this block."""
    most, ended = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not ended.wait(SECONDS_A_LOOK):
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            most = max(most, pages * resource.getpagesize())

    watching = threading.Thread(target=look)
    watching.start()
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        ended.set()
        watching.join()
    minutes, seconds = (time.perf_counter() - begun) / 60, time.process_time() - cpu
    memory = f"most memory {most / 2**20:,.0f} MiB"
    print(f"{what}: {minutes:.1f} minutes, {seconds:.1f} s of processor time, {memory}")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--of-embryo", type=int, default=144)
    parser.add_argument("--tables", choices=("csv", "parquet", "both"), default="csv")
    asked = parser.parse_args()
    settings = Settings().with_tables(asked.tables)
    out, request = OutputFolder(asked.folder), RunRequest([], settings)
    if not (out.root / "journal.sqlite").exists():
        out.root.mkdir(parents=True, exist_ok=True)
        with measured(f"ledger of {asked.frames:,} frames"):
            write_ledger(out.root, request, asked.frames, asked.of_embryo)
    started = datetime.now(UTC)
    provenance = Provenance(
        inputs=["synthetic"],
        weights="none",
        weights_sha256=WEIGHTS,
        device="",
        engine="torch",
        precision="",
        batch_size=0,
        settings=request.settings.model_dump(mode="json"),
        pseudonyms="",
        embryo_table_sha256="",
    )
    with Journal(out.root) as journal:
        with measured("report"):
            report = Report(reported(journal, request), request)
            ended = RunEnded(out.root, report.embryos, report.counts, exit_code=0)
            manifest = provenance.manifest(ended, started, report.pixel_sizes)
            report.write(out, manifest)
        with measured("review page"):
            report.write_review(out, manifest, lambda: None)
    for note in report.notes:
        print(note)
    for path in sorted(one for one in out.root.iterdir() if one.is_file()):
        print(f"{path.name}: {path.stat().st_size / 1e6:,.1f} MB")


if __name__ == "__main__":
    main()
