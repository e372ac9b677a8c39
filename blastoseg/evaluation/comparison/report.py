"""Writing a comparison's tables and pictures from the results in its folder, without any training."""

import platform
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from blastoseg import __version__
from blastoseg.datasets import Case, open_dataset
from blastoseg.errors import BlastosegError, UnreadableFrameError
from blastoseg.evaluation.comparison.members import ABLATION, SHOWN, in_order
from blastoseg.evaluation.comparison.page import page_of
from blastoseg.evaluation.comparison.pictures import PanelRow, plot_bubbles, plot_panel
from blastoseg.evaluation.comparison.protocol import Protocol, labelled_data, read_protocol, splits_folder
from blastoseg.evaluation.comparison.results import Trained, all_results, load_cost
from blastoseg.evaluation.comparison.tables import ablation_table, images_table, networks_table, tissues_table
from blastoseg.evaluation.comparison.workbook import write_workbook
from blastoseg.evaluation.folder import EvaluationFolder
from blastoseg.records import Labels
from blastoseg.sources.label_images import read_label_image

PANEL_CASES = 4
Tell = Callable[[str], None]


def write_report(out: Path, tell: Tell) -> dict[str, pd.DataFrame]:
    """Write workbook, CSV, Markdown and pictures into a comparison's folder; returns the tables by name.

    Raises DataError where ``out`` is no such folder or has no result. Where the data are not there any more,
    the panel of cases is left as it was, and that is told.
    """
    protocol = read_protocol(out)
    results = all_results(out)
    names = {one.name for one in results}
    networks = networks_table(results, {name: load_cost(out, name) for name in names})
    tables = {
        "networks": networks,
        "ablation": ablation_table(networks),
        "tissues": tissues_table(results),
        "images": images_table(results),
    }
    folder = EvaluationFolder(out)
    for name, table in tables.items():
        folder.save_table(name, table)
    facts = _facts(protocol, results, out)
    pictures = _write_pictures(folder, protocol, results, tables, tell=tell)
    page = page_of(tables, facts)
    folder.write(out / "comparison.md", lambda path: path.write_text(page, "utf-8", newline="\n"))
    folder.write(out / "comparison.xlsx", lambda path: write_workbook(path, tables, facts, pictures))
    return tables


def _write_pictures(
    folder: EvaluationFolder,
    protocol: Protocol,
    results: Sequence[Trained],
    tables: dict[str, pd.DataFrame],
    tell: Tell,
) -> dict[str, Path]:
    done = [one for one in results if not one.failed]
    if not done:
        return {}
    pictures = {}
    # Costs come last: in the middle of a comparison there are none.
    if tables["networks"]["gflops"].notna().any():
        bubbles = folder.plots / "bubbles.png"
        folder.write(bubbles, lambda path: plot_bubbles(path, tables["networks"]))
        pictures["Overlap, operations and parameters (Figure 6 of the paper)"] = bubbles
    names = in_order([one.name for one in done])
    panels = {
        "panel": (
            "Cases across networks (Figure 5)",
            [name for name in names if name not in ABLATION or name == "i2cnet"],
        ),
        "panel-contexts": ("Cases across contexts (Figure 4)", [name for name in ABLATION if name in names]),
    }
    try:
        cases = {
            case.name: case
            for case in open_dataset(Path(protocol.data), labelled_data(protocol.recipe).pairs).cases
        }
        for stem, (title, shown) in panels.items():
            if stem == "panel-contexts" and len(shown) < 2:
                continue
            rows = [
                _panel_row(folder.root, cases[name], done, shown) for name in _chosen(tables["images"], shown)
            ]
            path = folder.plots / f"{stem}.png"
            folder.write(
                path, partial(plot_panel, rows=rows, networks=[SHOWN.get(name, name) for name in shown])
            )
            pictures[title] = path
    except (BlastosegError, KeyError) as error:
        tell(f"the panel of cases is not drawn anew, the data are not as they were: {error}")
    return pictures


def _chosen(images: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Cases from the best to the worst of all networks together, evenly spread."""
    means = images.set_index("image")[list(names)].mean(axis=1).sort_values(ascending=False, kind="stable")
    places = np.unique(np.linspace(0, len(means) - 1, PANEL_CASES).round().astype(int))
    return [str(means.index[place]) for place in places]


def _panel_row(root: Path, case: Case, done: Sequence[Trained], names: Sequence[str]) -> PanelRow:
    labelled = case.read()
    predicted = [_labels_of(root, case.name, [one for one in done if one.name == name]) for name in names]
    return PanelRow(case.name, labelled.image, labelled.labels, predicted)


def _labels_of(root: Path, image: str, trained: Sequence[Trained]) -> Labels | None:
    """What the first training that tested an image says of it."""
    for one in trained:
        for tested in one.tested:
            if tested.name == image:
                try:
                    return read_label_image(root / tested.labels, tested.labels)
                except UnreadableFrameError:
                    return None
    return None


def _facts(protocol: Protocol, results: Sequence[Trained], out: Path) -> dict[str, str]:
    sizes = []
    for fold in range(1, protocol.folds + 1):
        lists = {name: splits_folder(out, fold) / f"{name}.txt" for name in ("train", "val", "test")}
        counts = [f"{name} {len(path.read_text('utf-8').splitlines())}" for name, path in lists.items()]
        sizes.append(", ".join(counts))
    recipe = protocol.recipe
    return {
        "Start": "; ".join(sorted({one.start for one in results if one.start})),
        "Optimiser": "each network's own published one, where it is known"
        if protocol.own_optimiser
        else "one for all: that of the recipe",
        "Length": f"{protocol.length_in_words} by each network",
        "Width": protocol.width,
        "Input": f"{recipe.segmenter.input_size} x {recipe.segmenter.input_size} pixels",
        "Images by fold": "; ".join(sizes),
        "Seeds": str(protocol.seeds),
        "Testing": "whole frames as in a run: located, segmented, cleaned; no test-time augmentation",
        "Loss": "cross entropy, mean over the logit maps",
        "Recipe": f"{recipe.name}, SHA-256 {recipe.digest()}",
        "Data": protocol.data,
        "Trainings": f"{len(results)}, of which failed {sum(bool(one.failed) for one in results)}",
        "Machine": f"{platform.machine()}, {platform.system()}",
        "blastoseg": __version__,
        "torch": version("torch"),
    }
