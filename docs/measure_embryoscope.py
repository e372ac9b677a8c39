"""Holds a model against EmbryoScope embryos with outlines, and against a video of one that hatches.

    python docs/measure_embryoscope.py SAMPLE [--weights W] [--embryos NAME ...] [--video FILE]

SAMPLE, published with STORK, has `frames/EMBRYO/F<plane>.jpg`, `outlines/EMBRYO-plane0.png`, which
are label images of plane 0, and `outlines/confidence.csv`: how sure who drew them was of each tissue; an ICM
counts from 0.5 on. Prints the figures of docs/validation.md. Name the embryos that were not trained on.
"""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import blastoseg
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP

TISSUES = (ICM, TE, ZP)
SURE = 0.5
"""Least confidence of an outline of ICM that anything is held against."""
NEAR = 15
"""Planes up to here are to agree with one another."""


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard index of two masks; NaN where both are empty."""
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else float("nan")


def rows_of(model: blastoseg.Model, sample: Path, embryos: list[str]) -> pd.DataFrame:
    """One row an embryo and plane: status, area, and Jaccard indices against the outline of plane 0."""
    sure = pd.read_csv(sample / "outlines" / "confidence.csv").set_index("name")["icm"]
    inner = (ICM.label, BLASTOCOEL.label, TE.label)
    rows = []
    for embryo in embryos:
        outline = np.asarray(Image.open(sample / "outlines" / f"{embryo}-plane0.png"))
        for path in sorted((sample / "frames" / embryo).glob("F*.jpg")):
            labels, _ = model.segment(np.asarray(Image.open(path).convert("L")))
            measured = model.measure(labels)
            row = {
                "embryo": embryo,
                "plane": int(re.sub("[^-0-9]", "", path.stem)),
                "status": measured["status"],
            }
            row["area"] = np.count_nonzero(np.isin(labels, inner))
            row["blastocyst"] = overlap(np.isin(labels, inner), np.isin(outline, inner))
            for tissue in TISSUES:
                row[tissue.name] = overlap(labels == tissue.label, outline == tissue.label)
            if sure[f"{embryo}-plane0"] < SURE:
                row[ICM.name] = float("nan")
            rows.append(row)
    return pd.DataFrame(rows)


def print_overlaps(rows: pd.DataFrame) -> None:
    """Medians and the worst blastocyst, in plane 0 and in all; how the planes near it agree."""
    for name, some in (("plane 0", rows[rows["plane"] == 0]), ("all planes", rows)):
        figures = [f"blastocyst {some['blastocyst'].median():.3f}, worst {some['blastocyst'].min():.3f}"]
        figures += [f"{tissue.name} {some[tissue.name].median():.3f}" for tissue in TISSUES]
        excluded = np.count_nonzero(some["status"] == "excluded")
        print(f"{name}: {'; '.join(figures)}; {excluded} of {len(some)} excluded")
    for embryo, some in rows[rows["plane"].abs() <= NEAR].groupby("embryo"):
        spread = (some["area"].max() - some["area"].min()) / some["area"].mean()
        print(f"{embryo}: planes -{NEAR} to {NEAR} differ by {100 * spread:.1f} % of the blastocyst's area")


def print_video(video: Path, weights: str) -> None:
    """How steady a run's course of a hatching embryo is."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "blastoseg",
            "run",
            str(video),
            "--out",
            f"{folder}/out",
            "--settle",
            "0",
        ]
        subprocess.run([*command, "--weights", weights], check=False, stdout=subprocess.DEVNULL)  # noqa: S603 (our own command)
        frames = pd.read_csv(f"{folder}/out/frames.csv").sort_values("frame_index")
    kept = frames[frames["status"].isin(["ok", "review"])]
    hatching = kept["flags"].fillna("").str.contains("hatching")
    toggles = sum(one != other for one, other in itertools.pairwise(hatching))
    print(f"{video.name}: {len(kept)} of {len(frames)} frames measured, ", end="")
    print(f"{np.count_nonzero(kept['status'] == 'review')} for review; hatching toggles {toggles} times")
    for column, limit in (("extruded_area_frac", 0.10), ("steady_extruded_area_frac", 0.10)):
        steps = kept[column].diff().abs()
        print(f"  {column}: {np.count_nonzero(steps > limit)} steps over {limit}, largest {steps.max():.3f}")
    steps = kept["blastocyst_area_px2"].pct_change().abs()
    print(
        f"  blastocyst_area_px2: {np.count_nonzero(steps > 0.10)} steps over 10 %, largest {steps.max():.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Figures of docs/validation.md on EmbryoScope frames.")
    parser.add_argument("sample", type=Path)
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--embryos", nargs="+")
    parser.add_argument("--video", type=Path)
    given = parser.parse_args()
    names = given.embryos or sorted(path.name for path in (given.sample / "frames").iterdir())
    print_overlaps(rows_of(blastoseg.Model(given.weights), given.sample, names))
    if given.video:
        print_video(given.video, given.weights)
