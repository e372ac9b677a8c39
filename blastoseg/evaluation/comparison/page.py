"""A comparison as a page of Markdown."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.evaluation.comparison.tables import AVERAGINGS
from blastoseg.evaluation.markdown import markdown_table
from blastoseg.evaluation.overlap import MEAN_OF_IMAGES, POOLED, SCORES

NOTES = (
    "A score is the mean over the five tissues, background included, in percent, and the mean over "
    "trainings; accuracy is the share of all pixels with the right tissue. Mean of images: every image "
    "scored, then averaged. Pooled: pixels of all images added up before scoring.",
    "sd: over trainings (folds and seeds). 95 %: the Jaccard index's interval by bootstrap over embryos. "
    "Difference: mean over images, to I2CNet, over the tissues that an image's reference shows; p: paired "
    "signed-rank test over images (Wilcoxon 1945), adjusted for the number of networks (Holm 1979). With p "
    "above 0.05 the order of two networks is noise.",
    "Paper: what the I2CNet paper prints; there DeepLabv3+, SETR and PraNet began with pretrained weights, "
    "and its images, splits, widths and lengths are other ones. Its accuracy is taken for that of all "
    "pixels, and it does not say which averaging it used.",
)


def page_of(tables: Mapping[str, pd.DataFrame], facts: Mapping[str, str]) -> str:
    """Facts, the table of networks, costs, tissues and Table 1's rows where there are any."""
    networks = tables["networks"]
    parts = [
        "# Networks compared",
        f"*{RESEARCH_USE_ONLY}*",
        "\n".join(f"- {name}: {value}" for name, value in facts.items()),
        "## Overlap (Table 2 of the paper)\n\n"
        + _overlap(networks[~networks["name"].isin(_only_ablation(tables))]),
    ]
    if len(tables["ablation"]) > len(AVERAGINGS):
        parts.append("## Contexts of I2CNet (Table 1 of the paper)\n\n" + _overlap(tables["ablation"]))
    parts += [
        "\n".join(f"- {note}" for note in NOTES),
        "## Jaccard by tissue (mean of images)\n\n" + _tissues(tables["tissues"]),
        "## Costs and training\n\n" + _costs(networks),
    ]
    return "\n\n".join(parts) + "\n"


def _only_ablation(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    return {name for name in tables["ablation"]["name"] if name.startswith("i2cnet-")}


def _overlap(networks: pd.DataFrame) -> str:
    header = [
        "network",
        "start",
        *SCORES,
        "sd",
        "95 %",
        "jaccard, pooled",
        "difference",
        "p",
        "jaccard, paper",
    ]
    pooled = networks[networks["averaging"] == POOLED].set_index("name")
    rows = []
    for row in networks[networks["averaging"] == MEAN_OF_IMAGES].to_dict("records"):
        if row["trainings"] == 0:
            rows.append(
                [row["network"], row["status"], *[""] * (len(header) - 3), percent(row["jaccard_paper"], 2)]
            )
            continue
        rows.append(
            [
                row["network"] + ("" if row["status"] == "trained" else f" ({row['status']})"),
                row["start"],
                *(percent(row[score], 2) for score in SCORES),
                percent(row["jaccard_sd"], 2),
                f"{percent(row['jaccard_low'], 1)} to {percent(row['jaccard_high'], 1)}",
                percent(pooled.loc[row["name"], "jaccard"], 2),
                percent(row.get("difference", math.nan), 2),
                p_in_words(row.get("p_holm", math.nan)),
                percent(row["jaccard_paper"], 2),
            ]
        )
    return markdown_table(header, rows)


def _tissues(tissues: pd.DataFrame) -> str:
    of_images = tissues[tissues["averaging"] == MEAN_OF_IMAGES]
    wide = of_images.pivot(index="network", columns="tissue", values="jaccard")
    wide = wide.loc[list(dict.fromkeys(of_images["network"])), list(dict.fromkeys(of_images["tissue"]))]
    rows = [[network, *(percent(value, 2) for value in values)] for network, *values in wide.itertuples()]
    return markdown_table(["network", *wide.columns], rows)


def _costs(networks: pd.DataFrame) -> str:
    header = [
        "network",
        "parameters, M",
        "GFLOPs",
        "ms, CPU",
        "ms, GPU",
        "memory, MiB",
        "images seen",
        "hours",
    ]
    rows = []
    for row in networks[networks["averaging"] == MEAN_OF_IMAGES].to_dict("records"):
        numbers = [number(row["parameters_m"], 2), number(row["gflops"], 1), number(row["ms_cpu"], 0)]
        numbers += [number(row["ms_gpu"], 1), number(row["memory_mib"], 0), number(row["images_seen"], 0)]
        words = [row["optimiser"], row["computed_in"]]
        rows.append([row["network"], *numbers, number(row["training_h"], 2), *words])
    return markdown_table([*header, "optimiser", "computed in"], rows)


def percent(value: Any, digits: int) -> str:
    """A fraction as percent; a dash for what is undefined."""
    return number(100 * value, digits)


def number(value: Any, digits: int) -> str:
    """A number, or a dash for what is undefined."""
    return "-" if pd.isna(value) else f"{value:,.{digits}f}"


def p_in_words(p: Any) -> str:
    """A p-value as tables show it."""
    if pd.isna(p):
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
