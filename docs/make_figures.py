"""Makes the figures of validation.md from what `blastoseg evaluate` and `blastoseg run` wrote.

    python docs/make_figures.py EVALUATION_FOLDER UNSEEN_FOLDER TIME_LAPSE_FOLDER [OUT]

Draws OUT/agreement.png (Bland-Altman plots of four measures against their true values), OUT/reliability.png
as the evaluation on unseen optics drew it, and OUT/area-curve.png (the course of the one embryo of the
time-lapse's report).
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

MEASURES = {
    "blastocyst_diameter_px": "blastocyst diameter, px",
    "icm_area_px2": "ICM area, px²",
    "te_thickness_mean_px": "TE thickness, mean, px",
    "zp_thickness_mean_px": "ZP thickness, mean, px",
}
INK, ACCENT, PALE = "#26547c", "#c0392b", "#9aa5b1"
DPI = 90


def draw_agreement(measures: pd.DataFrame, path: Path) -> None:
    """Difference over mean of predicted and true values, with bias and 95 % limits of agreement."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    for axis, (name, title) in zip(figure.subplots(2, 2).flat, MEASURES.items(), strict=True):
        pairs = measures[measures["measure"] == name].dropna(subset=["predicted", "truth"])
        difference = pairs["predicted"] - pairs["truth"]
        bias, spread = difference.mean(), 1.96 * difference.std()
        axis.scatter((pairs["predicted"] + pairs["truth"]) / 2, difference, s=8, color=INK, alpha=0.5, lw=0)
        axis.axhline(0, color=PALE, lw=1)
        for level, style in ((bias, "-"), (bias - spread, "--"), (bias + spread, "--")):
            axis.axhline(level, color=ACCENT, lw=1, ls=style)
        axis.set_title(f"{title}: bias {bias:.3g} ± {spread:.3g}, n = {len(pairs)}", fontsize=9)
        axis.set(xlabel="mean of predicted and true", ylabel="predicted - true")
    figure.savefig(path, dpi=DPI)


def draw_area_curve(frames: pd.DataFrame, path: Path) -> None:
    """Blastocyst area and blastocoel share over the hours; frames for review are drawn hollow."""
    measured = frames[frames["blastocyst_area_px2"].notna()]
    steps = measured["blastocyst_area_px2"].pct_change().abs().dropna()
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axis, column, label in zip(
        figure.subplots(1, 2),
        ("blastocyst_area_px2", "blastocoel_area_frac"),
        ("blastocyst area, px²", "blastocoel, share of the area"),
        strict=True,
    ):
        axis.plot(measured["time_h"], measured[column], color=PALE, lw=1)
        is_ok = measured["status"] == "ok"
        for rows, face in ((is_ok, INK), (~is_ok, "white")):
            axis.scatter(measured["time_h"][rows], measured[column][rows], s=14, color=face, edgecolor=INK)
        axis.set(xlabel="hours", ylabel=label, ylim=(0, None))
    figure.suptitle(
        f"median step {np.median(steps):.1%}, largest {steps.max():.0%}; hollow: marked for review",
        fontsize=10,
    )
    figure.savefig(path, dpi=DPI)


def main(evaluation: Path, unseen: Path, time_lapse: Path, out: Path) -> None:
    """Draw all three."""
    out.mkdir(parents=True, exist_ok=True)
    draw_agreement(pd.read_csv(evaluation / "measures.csv"), out / "agreement.png")
    shutil.copyfile(unseen / "plots" / "reliability.png", out / "reliability.png")
    draw_area_curve(pd.read_csv(time_lapse / "frames.csv"), out / "area-curve.png")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:4]), Path(sys.argv[4] if len(sys.argv) == 5 else "docs/images"))
