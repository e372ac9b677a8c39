"""The learning curve: what fine-tuning on 5, 10, 20 ... labels of one microscope buys.

    python docs/measure_labels.py DATA FOLDER [--recipe finetune] [--from synthetic] [--labels 5 10 20 ...]

Holds a fifth of DATA's embryos or patients out, and trains as `blastoseg train` does on ever more of the
others: each number's images are among those of the next, an eighth or so of them for validation.
Writes FOLDER/labels.csv, pooled Jaccard indices of the images held out, whole frames as in a run, and
FOLDER/labels.png.
"""

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blastoseg.datasets import Split, open_dataset, split_into_folds, write_split
from blastoseg.tissues import FOREGROUND


def subsets(data: Path, numbers: list[int], lists: Path) -> None:
    """A split a number in ``lists``, all with the same images to test on, whole embryos or patients."""
    dataset = open_dataset(data)
    held_out = split_into_folds(dataset, 5, 0, 0.0)[0]
    groups: dict[str, list[str]] = {}
    for case in dataset.cases:
        if case.name in held_out.train:
            groups.setdefault(case.group, []).append(case.name)
    order = np.random.default_rng(0).permutation(sorted(groups))
    names = [name for group in order for name in groups[group]]
    ends = np.cumsum([len(groups[group]) for group in order])
    for number in numbers:
        last = int(ends[ends >= max(1, number // 8)][0])
        write_split(Split(tuple(names[last:number]), tuple(names[:last]), held_out.test), lists / str(number))


def trained(data: Path, folder: Path, number: int, recipe: str, start: str) -> list[dict[str, object]]:
    """Train on a subset; rows of scores after, and before."""
    model = folder / f"labels-{number}"
    command = ["train", str(data), "--recipe", recipe, "--from", start, "--out", str(model)]
    lists = ["--lists", str(folder / "lists" / str(number))]
    subprocess.run([sys.executable, "-m", "blastoseg", *command, *lists, "--quiet"], check=True)  # noqa: S603 (our own command)
    scores = tomllib.loads((model / "card.toml").read_text())["scores"]
    return [
        {"labels": labels, "mean": scores[name]["jaccard_mean_pooled"], **scores[name]["jaccard"]}
        for labels, name in ((0, "test-before"), (number, "test"))
    ]


def draw(table: pd.DataFrame, path: Path) -> None:
    """Scores over the number of labels, on a scale on which each doubling is a step."""
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    places = range(len(table))
    axes.plot(places, 100 * table["mean"], "o-", linewidth=2.5, color="black", label="Mean, with background")
    for tissue in FOREGROUND:
        axes.plot(places, 100 * table[tissue.key], ".-", linewidth=1, label=tissue.name)
    axes.set_xticks(places, [str(number) for number in table["labels"]])
    axes.set(xlabel="labelled images", ylabel="Jaccard index, %, of images of other patients")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, ncols=2, fontsize="small")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="What fine-tuning on ever more labels buys.")
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recipe", default="finetune")
    parser.add_argument("--from", dest="start", default="synthetic")
    parser.add_argument("--labels", type=int, nargs="+", default=[5, 10, 20, 40, 80, 159])
    given = parser.parse_args()
    subsets(given.data, given.labels, given.folder / "lists")
    rows: list[dict[str, object]] = []
    for number in given.labels:
        before, after = trained(given.data, given.folder, number, given.recipe, given.start)
        rows = [*(rows or [before]), after]
        table = pd.DataFrame(rows)
        table.to_csv(given.folder / "labels.csv", index=False)
        print(table.round(4).to_string(index=False), flush=True)
    draw(table, given.folder / "labels.png")


if __name__ == "__main__":
    main()
