"""Pictures of an evaluation: agreement, reliability, confusion. Made without a screen."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.evaluation.agreement import Agreement, Numbers
from blastoseg.training.reliability import BINS, Reliability

INK = "#26547c"
ACCENT = "#c0392b"
PALE = "#9aa5b1"
DPI = 110


def plot_agreement(path: Path, pairs: Numbers, agreement: Agreement, title: str) -> None:
    """Scatter of predicted over reference values, and their differences over their means, side by side.

    ``pairs`` ``(n, 2)`` are the predicted and the reference values, without NaN.
    """
    predicted, reference = pairs.T
    figure = new_figure(8.4, 3.9)
    scatter, differences = figure.subplots(1, 2)
    low, high = min(predicted.min(), reference.min()), max(predicted.max(), reference.max())
    margin = 0.04 * (high - low) or 1.0
    span = [low - margin, high + margin]
    scatter.plot(span, span, color=PALE, linewidth=1)
    scatter.scatter(reference, predicted, s=9, color=INK, alpha=0.55, linewidths=0)
    scatter.set(xlim=span, ylim=span, xlabel="reference", ylabel="predicted", aspect="equal")
    scatter.set_title(f"n = {agreement.n}, ICC(2,1) = {agreement.icc:.2f}", fontsize=9)
    differences.scatter(
        (predicted + reference) / 2, predicted - reference, s=9, color=INK, alpha=0.55, linewidths=0
    )
    differences.axhline(0, color=PALE, linewidth=1)
    differences.axhline(agreement.bias, color=ACCENT, linewidth=1.2)
    for limit in (agreement.lower, agreement.upper):
        differences.axhline(limit, color=ACCENT, linewidth=1, linestyle="--")
    differences.set(xlabel="mean of both", ylabel="predicted - reference")
    differences.set_title(
        f"bias {agreement.bias:.3g}, 95 % limits {agreement.lower:.3g} to {agreement.upper:.3g}", fontsize=9
    )
    figure.suptitle(title, fontsize=10)
    save_figure(figure, path)


def plot_reliability(path: Path, crop: Reliability, embryo: Reliability) -> None:
    """Share of right pixels over their probability, for all pixels of the crops and for the embryo's."""
    figure = new_figure(8.4, 4.2)
    axes = figure.subplots(1, 2, sharey=True)
    for axis, reliability, name in zip(axes, (crop, embryo), ("crop", "embryo only"), strict=True):
        table = reliability.table()
        centres = (table["from"] + table["to"]) / 2
        axis.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        axis.bar(centres, table["share_right"], width=0.9 / BINS, color=INK, alpha=0.8, label="share right")
        axis.plot(
            table["mean_probability"],
            table["share_right"],
            marker="o",
            markersize=3,
            linewidth=1,
            color=ACCENT,
            label="over the mean probability",
        )
        total = max(1, int(table["pixels"].sum()))
        axis.step(centres, table["pixels"] / total, where="mid", color=PALE, label="share of pixels")
        axis.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of the winning class")
        axis.set_title(f"{name}: ECE {reliability.expected_calibration_error():.3f}", fontsize=9)
    axes[0].set_ylabel("share of pixels that are right")
    axes[0].legend(fontsize=7, loc="upper left", frameon=False)
    save_figure(figure, path)


def plot_confusion(path: Path, counts: pd.DataFrame) -> None:
    """Where the pixels of each reference tissue went, as shares of the tissue."""
    totals = counts.sum(axis=1).to_numpy(dtype=float)[:, None]
    values = counts.to_numpy(dtype=float)
    shares = np.divide(values, totals, out=np.full_like(values, np.nan), where=totals > 0)
    figure = new_figure(5.6, 4.9)
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [str(name) for name in counts.columns]
    axis.set_xticks(range(len(names)), names, fontsize=8)
    axis.set_yticks(range(len(names)), names, fontsize=8)
    axis.set(xlabel="predicted", ylabel="reference")
    for row, column in np.ndindex(*shares.shape):
        share = shares[row, column]
        if np.isfinite(share):
            colour = "white" if share > 0.5 else "#333333"
            text = f"{100 * share:.1f} %"
            axis.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    save_figure(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches, drawn without a screen."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    # Fixed margins in inches: fitting them to each of some fifty figures would take longer than plotting.
    figure.subplots_adjust(0.95 / width, 0.62 / height, 1 - 0.12 / width, 1 - 0.62 / height, wspace=0.24)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, with the research-use notice."""
    figure.text(0.995, 0.01, RESEARCH_USE_ONLY, fontsize=6, color=PALE, ha="right")
    figure.savefig(path, format="png")
