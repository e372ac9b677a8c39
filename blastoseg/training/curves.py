"""How a training went: losses and scores by step, kept in the checkpoint, written as table and picture."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from blastoseg.files import replace_atomically
from blastoseg.tissues import INSIDE_OUT
from blastoseg.training.checkpoints import explain_failed_save

SHARES = tuple(f"{tissue.key}_frac" for tissue in INSIDE_OUT)
"""Columns of the teacher's labels: each class's share of the pixels of unlabelled frames."""
SMOOTHED_PARTS = 60
"""The line through the training losses is a mean over a 60th of the run."""


@dataclass(slots=True)
class Curves:
    """Losses by step: ``training`` (step, loss); by source ``validation`` (step, loss, Jaccard or NaN).

    ``unlabelled`` (step, share of the pixels used, share of each class channel) is of a teacher's labels.
    """

    training: list[tuple[float, ...]] = field(default_factory=list)
    validation: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    unlabelled: list[tuple[float, ...]] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            "training": list(self.training),
            "validation_by_source": dict(self.validation),
            "unlabelled": list(self.unlabelled),
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Curves":
        """What ``state`` gave; empty for a checkpoint of an earlier version, which has none."""
        validation = state.get("validation_by_source", {})
        return cls(
            training=[tuple(row) for row in state.get("training", [])],
            validation={name: [tuple(row) for row in rows] for name, rows in validation.items()},
            unlabelled=[tuple(row) for row in state.get("unlabelled", [])],
        )


def write_curves(curves: Curves, folder: Path, title: str) -> None:
    """Write ``curves.csv`` and ``curves.png``. Raises TrainingError where the disk refuses."""
    _save(folder / "curves.csv", lambda path: _write_table(path, curves))
    _save(folder / "curves.png", lambda path: _draw(path, curves, title))


def _save(path: Path, write: Callable[[Path], None]) -> None:
    with explain_failed_save(path), replace_atomically(path) as temporary:
        write(temporary)


def _write_table(path: Path, curves: Curves) -> None:
    rows: list[tuple[str | float, ...]] = [("training", "", *row, "") for row in curves.training]
    rows += [("validation", name, *row) for name, part in curves.validation.items() for row in part]
    rows += [("unlabelled", "", step, "", "", *shares) for step, *shares in curves.unlabelled]
    rows.sort(key=lambda row: float(row[2]))
    heading = ("split", "source", "step", "loss", "jaccard_mean", "used_frac", *SHARES)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heading)
        writer.writerows([*row, *[""] * (len(heading) - len(row))] for row in rows)


def _draw(path: Path, curves: Curves, title: str) -> None:
    parts = 3 if curves.unlabelled else 2
    figure = Figure(figsize=(4.5 * parts, 4), layout="constrained")
    figure.suptitle(title)
    loss_axes, score_axes = figure.add_subplot(1, parts, 1), figure.add_subplot(1, parts, 2)
    if curves.unlabelled:
        _draw_shares(figure.add_subplot(1, parts, 3), curves.unlabelled)
    steps, losses = _columns(curves.training, 2)
    loss_axes.plot(steps, losses, color="0.8", linewidth=0.6)
    loss_axes.plot(*_smoothed(steps, losses), color="tab:blue", label="training")
    for index, (name, rows) in enumerate(curves.validation.items(), start=1):
        val_steps, val_losses, scores = _columns(rows, 3)
        loss_axes.plot(
            val_steps, val_losses, "o-", markersize=3, color=f"C{index}", label=f"validation, {name}"
        )
        score_axes.plot(val_steps, 100 * scores, "o-", markersize=3, color=f"C{index}", label=name)
    loss_axes.set(xlabel="step", ylabel="loss", yscale="log")
    loss_axes.legend()
    score_axes.set(xlabel="step", ylabel="mean Jaccard of the validation images, %")
    score_axes.legend()
    for axes in figure.axes:
        axes.grid(alpha=0.3)
    figure.savefig(path, format="png", dpi=120)


def _draw_shares(axes: Axes, rows: list[tuple[float, ...]]) -> None:
    steps, used, *shares = _columns(rows, 2 + len(INSIDE_OUT))
    axes.plot(*_smoothed(steps, 100 * used), color="k", label="pixels used")
    for tissue, share in zip(INSIDE_OUT, shares, strict=True):
        is_tissue = any(tissue.colour)
        colour = [value / 255 for value in tissue.colour] if is_tissue else "0.7"
        axes.plot(*_smoothed(steps, 100 * share), color=colour, label=tissue.name)
    axes.set(xlabel="step", ylabel="share of the unlabelled frames' pixels, %")
    axes.legend()


def _columns(rows: list[tuple[float, ...]], count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray(rows, np.float64).reshape(-1, count).T


def _smoothed(
    steps: np.ndarray[Any, np.dtype[np.float64]], losses: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[list[float], list[float]]:
    parts = np.array_split(np.arange(steps.size), min(SMOOTHED_PARTS, max(1, steps.size)))
    means = [(steps[part].mean(), losses[part].mean()) for part in parts if part.size]
    return [float(step) for step, _ in means], [float(loss) for _, loss in means]
