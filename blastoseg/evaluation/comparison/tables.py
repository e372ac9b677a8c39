"""The tables of a comparison, made from the results of its trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

import numpy as np
import pandas as pd

from blastoseg.errors import DataError, some_of
from blastoseg.evaluation.comparison.members import ABLATION, BASELINE, SHOWN, in_order
from blastoseg.evaluation.comparison.paper import published
from blastoseg.evaluation.comparison.results import Trained
from blastoseg.evaluation.comparison.significance import Numbers, holm, mean_over_seeds, paired_p
from blastoseg.evaluation.intervals import jaccard_intervals
from blastoseg.evaluation.overlap import (
    ALL_PIXELS,
    CLASS_MEAN,
    MEAN_OF_IMAGES,
    POOLED,
    SCORES,
    case_jaccard,
    mean_known,
    score_table,
)
from blastoseg.tissues import INSIDE_OUT
from blastoseg.training.cost import Cost
from blastoseg.training.metrics import Counts

COSTS = tuple(field.name for field in fields(Cost))
AVERAGINGS = (MEAN_OF_IMAGES, POOLED)


def networks_table(results: Sequence[Trained], costs: Mapping[str, Cost | None]) -> pd.DataFrame:
    """Two rows a network, one for either averaging: scores, intervals, tests, the paper's Table 2, costs.

    A score is the mean over trainings (folds and seeds) of the mean over the five tissues, accuracy that of
    all pixels; ``_sd`` is the standard deviation over trainings, NaN for one. ``jaccard_low`` and ``_high``
    are 95 % intervals over embryos. ``difference`` is the mean over images of a network's Jaccard less
    I2CNet's, over the tissues that an image's reference shows, ``p`` that of the paired test, ``p_holm``
    adjusted for the number of networks. ``status`` says what failed.
    """
    by_name = _by_name(results)
    tests = _tests(by_name)
    return pd.DataFrame(
        [
            _row(name, by_name[name], averaging, tests.get(name, {})) | _cost_of(costs.get(name))
            for name in in_order(list(by_name))
            for averaging in AVERAGINGS
        ]
    )


def ablation_table(networks: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``networks_table`` that are those of the paper's Table 1, in its order."""
    order = list(ABLATION)
    rows = networks[networks["name"].isin(order)]
    return rows.sort_values("name", key=lambda names: names.map(order.index), kind="stable")


def tissues_table(results: Sequence[Trained]) -> pd.DataFrame:
    """A row a network, averaging and tissue: the five scores as means over trainings."""
    by_name = _by_name(results)
    parts = []
    for name in in_order(list(by_name)):
        scored = [_scores(one) for one in by_name[name] if not one.failed]
        if not scored:
            continue
        keys = [tissue.key for tissue in INSIDE_OUT]
        table = pd.concat(scored)
        table = table[table["tissue"].isin(keys)]
        means = table.groupby(["averaging", "tissue"], sort=False)[list(SCORES)].mean().reset_index()
        means.insert(0, "start", by_name[name][0].start)
        means.insert(0, "network", SHOWN.get(name, name))
        means.insert(0, "name", name)
        parts.append(means)
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["name", "network", "start", "averaging", "tissue", *SCORES])
    )


def images_table(results: Sequence[Trained]) -> pd.DataFrame:
    """A row a test image: its mean Jaccard by each network, over trainings; the tests are paired by it."""
    by_name = _by_name(results)
    columns = {name: _by_image(by_name[name]) for name in in_order(list(by_name))}
    images = list(dict.fromkeys(image for column in columns.values() for image in column))
    return pd.DataFrame(
        {"image": images}
        | {
            name: [column.get(image, np.nan) for image in images]
            for name, column in columns.items()
            if column
        }
    )


def _by_name(results: Sequence[Trained]) -> dict[str, list[Trained]]:
    if not results:
        raise DataError("no network is trained yet: nothing to report")
    by_name: dict[str, list[Trained]] = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    return by_name


def _scores(result: Trained) -> pd.DataFrame:
    return score_table([image.table for image in result.tested])


def _row(name: str, trained: list[Trained], averaging: str, test: dict[str, float]) -> dict[str, object]:
    done = [one for one in trained if not one.failed]
    failed = [f"fold {one.fold}, seed {one.seed}: {one.failed}" for one in trained if one.failed]
    row: dict[str, object] = {
        "name": name,
        "network": SHOWN.get(name, name),
        "start": trained[0].start,
        "averaging": averaging,
        "status": f"failed: {some_of(failed)}" if failed else "trained",
        "trainings": len(done),
        "images": len({image.name for one in done for image in one.tested}),
    }
    row |= _scores_of(done, averaging) | _interval_of(done, averaging)
    row |= {f"{score}_paper": published(name, score) for score in SCORES}
    row |= test if averaging == MEAN_OF_IMAGES else {}
    row |= {
        "training_h": _mean([one.hours for one in done]),
        "images_seen": _mean([float(one.images_seen) for one in done]),
        "optimiser": trained[0].optimiser,
        "computed_in": trained[0].computed_in,
    }
    return row


def _cost_of(cost: Cost | None) -> dict[str, float]:
    return dict.fromkeys(COSTS, float("nan")) if cost is None else asdict(cost)


def _scores_of(done: Sequence[Trained], averaging: str) -> dict[str, float]:
    values: dict[str, list[float]] = {score: [] for score in SCORES}
    for one in done:
        table = _scores(one)
        of = table[table["averaging"] == averaging].set_index("tissue")
        for score in SCORES:
            place = ALL_PIXELS if score == "accuracy" else CLASS_MEAN
            values[score].append(float(of[score][place]))
    means = {score: _mean(found) for score, found in values.items()}
    spread = {
        f"{score}_sd": float(np.std(found, ddof=1)) if len(found) > 1 else float("nan")
        for score, found in values.items()
    }
    return means | spread


def _interval_of(done: Sequence[Trained], averaging: str) -> dict[str, float]:
    """Of all trainings together: an image's pixels are added up over the seeds."""
    counts: dict[str, Counts] = {}
    groups: dict[str, str] = {}
    for one in done:
        for image in one.tested:
            counts[image.name] = counts.get(image.name, 0) + image.table
            groups[image.name] = image.group or image.name
    if not counts:
        return {"jaccard_low": float("nan"), "jaccard_high": float("nan")}
    table = jaccard_intervals(list(counts.values()), [groups[name] for name in counts])
    row = table[(table["averaging"] == averaging) & (table["tissue"] == CLASS_MEAN)].iloc[0]
    return {"jaccard_low": float(row["jaccard_low"]), "jaccard_high": float(row["jaccard_high"])}


def _tests(by_name: dict[str, list[Trained]]) -> dict[str, dict[str, float]]:
    """The paired tests against I2CNet; one family for the networks, one for the rows of Table 1."""
    baseline = _by_image(by_name.get(BASELINE, []))
    if not baseline:
        return {}
    found = {}
    for is_ablation in (False, True):
        family = [name for name in by_name if name != BASELINE and (name in ABLATION) == is_ablation]
        pairs = {name: _paired(_by_image(by_name[name]), baseline) for name in family}
        p_values = {name: paired_p(*pair) for name, pair in pairs.items()}
        adjusted = holm(p_values)
        for name, (own, other) in pairs.items():
            difference = _mean((own - other).tolist())
            found[name] = {"difference": difference, "p": p_values[name], "p_holm": adjusted[name]}
    return found


def _by_image(trained: Sequence[Trained]) -> dict[str, float]:
    return mean_over_seeds(
        [{image.name: _jaccard_of(image.table) for image in one.tested} for one in trained if not one.failed]
    )


def _jaccard_of(counts: Counts) -> float:
    """Mean Jaccard over the tissues of the reference: with those alone, all networks are asked the same."""
    return mean_known(case_jaccard(counts)[counts.sum(axis=1) > 0])


def _paired(own: dict[str, float], other: dict[str, float]) -> tuple[Numbers, Numbers]:
    shared = [image for image in own if image in other]
    return np.array([own[image] for image in shared]), np.array([other[image] for image in shared])


def _mean(values: Sequence[float]) -> float:
    return mean_known(np.array(values, dtype=float))
