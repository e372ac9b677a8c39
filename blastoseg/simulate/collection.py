"""Writes synthetic embryos to a folder as an incubator would, masks and tables of the truth beside them."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from blastoseg.columns import MEASURE_COLUMNS
from blastoseg.errors import OutputError
from blastoseg.files import replace_atomically
from blastoseg.report.pictures import encode_label_image
from blastoseg.simulate.course import draw_course
from blastoseg.simulate.draw import Seeds, draw_embryo, render
from blastoseg.simulate.frame import SimulatedFrame, View
from blastoseg.simulate.kinds import choose_kind
from blastoseg.simulate.preset import draw_optics
from blastoseg.simulate.timelapse import plan_timelapse

JPEG_QUALITY = 88
TRUE_COLUMNS = tuple(c.name for c in MEASURE_COLUMNS if c.unit not in ("um", "um2"))
TRUTH_HEADER = ("embryo_id", "source", "frame_index", "time_h", "kind", "is_blastocyst", *TRUE_COLUMNS)
CLOCK_HEADER = ("frame_index", "time")
EVENTS_HEADER = ("embryo_id", "event", "time_h")


@dataclass(frozen=True)
class Collection:
    """What to draw. ``first_h`` is the first frame's hour since insemination; None: before the cavity."""

    kind: Literal["still", "timelapse"]
    embryos: int
    frames: int
    seed: int
    view: View
    first_h: float | None = None
    images_only: bool = False


@dataclass(frozen=True)
class _Drawn:
    number: int
    time_h: float
    frame: SimulatedFrame


def write_collection(out: Path, collection: Collection) -> Iterator[Path]:
    """Write ``OUT/<embryo>/<embryo>_RUN<n>_F0.jpg`` and yield each image's path once it is on disk.

    A time-lapse's hours stand beside its images in ``<embryo>_timeElapsed.csv``. Beside the folders lie
    ``labels/<embryo>/*.png``, ``truth.csv`` (true measures in pixels, one row a frame) and, for a time-lapse,
    ``events.csv``. Of every four time-lapses the second hatches and the fourth never becomes a blastocyst.
    Raises OutputError where OUT holds something already or cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise OutputError(f"{out} is not empty: name a new folder, so that no file of another set stays")
        yield from _write(out, collection)
    except OSError as problem:
        raise OutputError(f"{out} cannot be written: {problem}") from problem


def _write(out: Path, collection: Collection) -> Iterator[Path]:
    truths: list[dict[str, object]] = []
    events: list[dict[str, object]] = []
    for index in range(collection.embryos):
        rng = np.random.default_rng([collection.seed, index])
        embryo_id = f"E{index + 1:03d}"
        clock: list[dict[str, object]] = []
        for position, drawn in enumerate(_series(rng, collection, index, embryo_id, events=events)):
            source = Path(embryo_id) / f"{embryo_id}_RUN{drawn.number + 1}_F0.jpg"
            _write_image(out / source, drawn.frame.image)
            if not collection.images_only:
                _write_image(out / "labels" / source.with_suffix(".png"), drawn.frame.labels)
            truths.append(_truth_row(embryo_id, source, position, drawn))
            clock.append({"frame_index": drawn.number + 1, "time": drawn.time_h})
            yield out / source
        if collection.kind == "timelapse":
            _write_table(out / embryo_id / f"{embryo_id}_timeElapsed.csv", CLOCK_HEADER, clock)
    if not collection.images_only:
        _write_table(out / "truth.csv", TRUTH_HEADER, truths)
        if collection.kind == "timelapse":
            _write_table(out / "events.csv", EVENTS_HEADER, events)


def _series(
    rng: np.random.Generator,
    collection: Collection,
    index: int,
    embryo_id: str,
    events: list[dict[str, object]],
) -> Iterator[_Drawn]:
    if collection.kind == "still":  # one embryo, under other optics each time
        embryo = draw_embryo(rng, choose_kind(rng, collection.view.kind), collection.view)
        for number in range(collection.frames):
            optics = draw_optics(rng, collection.view.preset)
            yield _Drawn(number, math.nan, render(Seeds.draw(rng), embryo, optics, collection.view))
        return
    course = draw_course(
        rng,
        hatching=index % 4 == 1,
        blastulates=index % 4 != 3,
        first_h=collection.first_h,
    )
    plan = plan_timelapse(rng, collection.frames, replace(collection.view, scene="field"), course)
    events += [{"embryo_id": embryo_id, "event": name, "time_h": time} for name, time in plan.events.items()]
    for number, time, frame in zip(plan.numbers, plan.times_h, plan.frames(), strict=True):
        yield _Drawn(int(number), float(time), frame)


def _truth_row(embryo_id: str, source: Path, position: int, drawn: _Drawn) -> dict[str, object]:
    return {
        "embryo_id": embryo_id,
        "source": source.as_posix(),
        "frame_index": position,
        "time_h": drawn.time_h,
        "kind": drawn.frame.kind,
        "is_blastocyst": drawn.frame.is_blastocyst,
        **drawn.frame.truth,
    }


def _write_image(path: Path, image: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(image, np.uint8)
    if path.suffix == ".png":
        data = encode_label_image(pixels)
    else:
        data = cv2.imencode(path.suffix, pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    with replace_atomically(path) as temporary:
        temporary.write_bytes(data)


def _write_table(path: Path, header: tuple[str, ...], rows: list[dict[str, object]]) -> None:
    """Undefined values are empty cells."""
    with replace_atomically(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore", restval="")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value
