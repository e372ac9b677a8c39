"""Pictures of a comparison: Jaccard over operations (the paper's Figure 6), and cases across networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from blastoseg.evaluation.comparison.members import BASELINE
from blastoseg.evaluation.overlap import MEAN_OF_IMAGES
from blastoseg.evaluation.plots import ACCENT, INK, PALE, new_figure, save_figure
from blastoseg.model.architectures.registry import SEGMENTERS
from blastoseg.records import Image, Labels
from blastoseg.report.overlay import stretch_contrast
from blastoseg.tissues import FOREGROUND

TILE = 150
"""Pixels of one picture of a panel."""
DPI = 110
AREA_A_MILLION = 14.0
SMALLEST_AREA = 30.0


def plot_bubbles(path: Path, networks: pd.DataFrame) -> None:
    """Mean Jaccard over 10^9 operations an image, of networks; the bubble grows with the parameters."""
    is_shown = networks["name"].isin(SEGMENTERS) & networks[["jaccard", "gflops"]].notna().all(axis=1)
    rows = networks[is_shown & (networks["averaging"] == MEAN_OF_IMAGES)]
    figure = new_figure(9.6, 5.2)
    figure.subplots_adjust(right=0.69)
    axis = figure.subplots()
    names = []
    for place, row in enumerate(rows.to_dict("records"), 1):
        colour = ACCENT if row["name"] == BASELINE else INK
        x, y = row["gflops"], 100 * row["jaccard"]
        area = max(SMALLEST_AREA, AREA_A_MILLION * row["parameters_m"])
        axis.plot([x, x], [100 * row["jaccard_low"], 100 * row["jaccard_high"]], color=PALE, zorder=1)
        axis.scatter([x], [y], s=area, color=colour, alpha=0.45, linewidths=0, zorder=2)
        axis.annotate(str(place), (x, y), ha="center", va="center", fontsize=8, zorder=3)
        names.append(f"{place}  {row['network']}, {row['parameters_m']:.1f} M")
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.margins(x=0.1, y=0.1)
    axis.set(xlabel="GFLOPs an image (log)", ylabel="mean Jaccard, %, with its 95 % interval over embryos")
    figure.text(0.705, 0.87, "\n\n".join(names), fontsize=8, va="top")
    figure.suptitle("Overlap, operations and parameters (area)", fontsize=10)
    save_figure(figure, path)


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One case: its frame, the reference labels, and those of each network (None where it has none)."""

    title: str
    image: Image
    reference: Labels
    predicted: Sequence[Labels | None]


def plot_panel(path: Path, rows: Sequence[PanelRow], networks: Sequence[str]) -> None:
    """A row a case: the frame, the reference, and what each network says."""
    columns = ["frame", "reference", *networks]
    figure = new_figure(len(columns) * TILE / DPI + 0.6, len(rows) * TILE / DPI + 0.9)
    figure.subplots_adjust(0.03, 0.05, 0.995, 1 - 0.6 / figure.get_figheight(), wspace=0.03, hspace=0.16)
    axes = np.atleast_2d(figure.subplots(len(rows), len(columns), squeeze=False))
    for line, row in zip(axes, rows, strict=True):
        gray = np.repeat(_tile(stretch_contrast(row.image), cv2.INTER_AREA)[:, :, None], 3, axis=2)
        pictures = [gray, *(_painted(gray, labels) for labels in (row.reference, *row.predicted))]
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture)
            axis.set_axis_off()
        line[0].set_title(row.title, fontsize=6, loc="left", pad=2)
    for axis, name in zip(axes[0], columns, strict=True):
        axis.annotate(
            name.replace(", ", ",\n").replace(" (", "\n("),
            (0.5, 1.1),
            xycoords="axes fraction",
            ha="center",
            va="bottom",
            fontsize=7,
        )
    save_figure(figure, path)


def _tile(picture: NDArray[np.uint8], how: int) -> NDArray[np.uint8]:
    """A picture cut to its middle square and resized."""
    height, width = picture.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(picture[y : y + side, x : x + side])
    return np.asarray(cv2.resize(square, (TILE, TILE), interpolation=how), np.uint8)


def _painted(gray: NDArray[np.uint8], labels: Labels | None) -> NDArray[np.uint8]:
    """A tile with its tissues in their colours; empty where a network has no answer."""
    if labels is None:
        return np.full_like(gray, 255)
    small = _tile(labels, cv2.INTER_NEAREST)
    painted = gray.copy()
    for tissue in FOREGROUND:
        inside = small == tissue.label
        painted[inside] = (0.35 * gray[inside] + 0.65 * np.array(tissue.colour)).astype(np.uint8)
    return painted
