"""Holds the events that a run tells of simulated time-lapses against those of their true labels.

    python docs/measure_courses.py FOLDER [SEED ...]

For each seed eight embryos of 70 frames are simulated and run with the default weights in FOLDER, where they
are not there yet; then the same rules follow the run's frames and the frames' true labels. Prints one line an
embryo and the sums that stand in docs/validation.md.
"""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blastoseg.columns import FRAME_COLUMNS, dtypes_of
from blastoseg.course.series import Series, follow_embryos
from blastoseg.records import FrameRef
from blastoseg.report.tables import frames_table
from blastoseg.settings import Grades, Quality
from blastoseg.sources.addresses import WholeImage
from blastoseg.sources.label_images import read_label_image
from blastoseg.stages import measure_label_image

EVENTS = ("tSB", "tB", "tEB", "tHB")
NEAR_FRAMES = 6
"""A collapse is found where one begins so near a true one."""
SIMULATED = ("--embryos", "8", "--frames", "70", "--kind", "timelapse", "--size", "360")


def run_of(folder: Path, seed: int) -> tuple[pd.DataFrame, Path]:
    """The frames that a run tells of the seed's embryos, and the folder of their label images."""
    images, out = folder / f"simulated-{seed}", folder / f"run-{seed}"
    blastoseg = [sys.executable, "-m", "blastoseg"]
    if not (out / "frames.csv").exists():
        subprocess.run([*blastoseg, "simulate", images, *SIMULATED, "--seed", str(seed)], check=True)  # noqa: S603 (our own command)
        subprocess.run([*blastoseg, "run", images, "--out", out, "--settle", "0"], check=True)  # noqa: S603 (our own command)
    frames = pd.read_csv(out / "frames.csv", dtype={"embryo_id": str})
    declared = dtypes_of(FRAME_COLUMNS)
    return frames.reindex(columns=list(declared)).astype(declared), images / "labels"


def from_labels(frames: pd.DataFrame, labels: Path) -> pd.DataFrame:
    """The same frames, measured from their true labels."""
    rows = []
    for frame in frames.itertuples():
        path = (labels / frame.source).with_suffix(".png")
        ref = FrameRef(frame.embryo_id, frame.source, path, int(frame.frame_index), WholeImage())
        read = read_label_image(path, path.name)
        row = measure_label_image(ref, read, Quality(), math.nan, um_per_px_source="").row()
        rows.append(row | {"time_h": frame.time_h, "time_reference": frame.time_reference})
    return frames_table(rows)


def compare(told: Series, true: Series) -> dict[str, float]:
    """By how many frames each event is off: NaN where neither has it, infinite where one alone has it."""
    off = {}
    for name in EVENTS:
        places = [series.events[name].first_after for series in (told, true)]
        known = [place for place in places if place is not None]
        off[name] = abs(known[0] - known[1]) if len(known) == 2 else math.inf if known else math.nan
    return off


def main(folder: Path, seeds: list[int]) -> None:
    """Compare all embryos of all seeds, and print what was found."""
    off, stages, found, right, true_ones = [], [], 0, 0, 0
    for seed in seeds:
        frames, labels = run_of(folder, seed)
        of_labels = follow_embryos(from_labels(frames, labels), Grades())
        for told, true in zip(follow_embryos(frames, Grades()), of_labels, strict=True):
            off.append(compare(told, true))
            stages += zip(np.nan_to_num(told.stage), np.nan_to_num(true.stage), strict=True)
            begins = [one.first_low for one in told.collapses]
            near = [
                any(abs(one.first_low - begin) <= NEAR_FRAMES for begin in begins) for one in true.collapses
            ]
            found, right, true_ones = found + len(begins), right + sum(near), true_ones + len(near)
            print(seed, told.embryo_id, off[-1], f"collapses {begins}")
    table = pd.DataFrame(off)
    for name in EVENTS:
        known = table[name].dropna()
        within = ", ".join(f"{(known <= frames).sum()} within {frames}" for frames in (1, 3))
        print(f"{name}: {len(known)} embryos, {within}")
    told_stage, true_stage = np.array([pair for pair in stages if min(pair) > 0], int).T
    kappa = cohen_kappa_score(true_stage, told_stage, weights="quadratic")
    wrong = np.abs(told_stage - true_stage)
    print(f"stages: kappa {kappa:.3f}; of {len(wrong)} frames {(wrong == 1).sum()} off by one,", end=" ")
    print(f"{(wrong > 1).sum()} by more")
    print(f"collapses: {true_ones} true, {right} of them found; {found - right} false")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or [502, 503, 601, 602])
