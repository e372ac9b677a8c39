"""From a recipe to a model folder: fit both networks, score them, write folder and card."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lightning.pytorch.utilities import rank_zero_only
from torch import distributed, nn

from blastoseg.errors import DataError, UsageError
from blastoseg.model.card import Card, LocatorCard, Score, load_card
from blastoseg.model.loading import load_locator
from blastoseg.model.segmenter import Segmenter
from blastoseg.training.checkpoints import read_checkpoint
from blastoseg.training.curves import write_curves
from blastoseg.training.data import Target
from blastoseg.training.export import TrainedModel, export_model, locator_card, score_of
from blastoseg.training.fit import FitPlan, fit_network, load_fit
from blastoseg.training.held_back import (
    answers_to,
    best_temperature,
    score_cases,
    score_on_held_back,
    temperature_of,
)
from blastoseg.training.labelled import LabelledLists, cut_samples, read_lists
from blastoseg.training.recipe import CopiedLocator, Job, LabelledData, Recipe

log = logging.getLogger(__name__)

Part = Literal["all", "locator", "segmenter", "export"]
SCORED_IMAGES = 500
CALIBRATION_IMAGES = 200
ON_FRAMES = "whole frames as in a run: located, segmented, cleaned"
ON_DRAWINGS = "held-back drawings, labels as the network gives them"


@dataclass(frozen=True, slots=True)
class DataChoice:
    """The labelled data set of a training, and where its lists lie if not with it."""

    path: Path
    lists: Path | None = None


def make_model(
    recipe: Recipe, out: Path, plan: FitPlan, part: Part = "all", data: DataChoice | None = None
) -> Card | None:
    """Fit what ``part`` names and write the model folder ``out`` from the last checkpoints.

    Without both networks' checkpoints (a part of the work only) nothing is written, and None returned; so it
    is in all processes but the first. Raises TrainingError where a fit fails (the last checkpoint is kept),
    DataError for data that cannot be used, UsageError where the recipe draws its data and some are given.
    """
    plan = replace(plan, tell=_first_process_only(plan.tell))
    lists = _lists_of(recipe, plan, data)
    fitted: list[Target] = (
        ["tissues"] if isinstance(recipe.locator, CopiedLocator) else ["embryos", "tissues"]
    )
    wanted: dict[Part, set[Target]] = {
        "all": {"embryos", "tissues"},
        "locator": {"embryos"},
        "segmenter": {"tissues"},
        "export": set(),
    }
    for target in fitted:
        if target not in wanted[part]:
            continue
        resuming = plan.resume and plan.checkpoint(target).is_file()
        plan.tell(f"fitting the network for {target}{', from its last checkpoint' if resuming else ''}")
        fit_network(recipe, target, replace(plan, resume=resuming), lists)
    missing = [target for target in fitted if not plan.checkpoint(target).is_file()]
    if missing and part != "export":
        plan.tell(f"{out}: not written yet: no network for {' and '.join(missing)} was fitted")
        return None
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
    return write_model(recipe, out, plan, lists) if _is_first_process() else None


def _first_process_only(tell: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: tell(text) if _is_first_process() else None


def _is_first_process() -> bool:
    # Lightning sets it from what torchrun, SLURM or its own launcher say.
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def _lists_of(recipe: Recipe, plan: FitPlan, data: DataChoice | None) -> LabelledLists | None:
    settings = recipe.segmenter.data
    if data is None:
        if recipe.needs_labelled_data:
            raise DataError(
                f"recipe {recipe.name} is for labelled images: name their folder,  blastoseg train DATA"
            )
        return None
    if not isinstance(settings, LabelledData):
        raise UsageError(
            f"recipe {recipe.name} draws its images: leave {data.path} out, or take another recipe"
        )
    lists = read_lists(data.path, settings, data.lists, plan.work / "lists", plan.tell)
    plan.tell(
        ", ".join(f"{name} {card.images} images of {card.groups}" for name, card in lists.cards.items())
        + " embryos or patients"
    )
    return lists


def write_model(recipe: Recipe, out: Path, plan: FitPlan, lists: LabelledLists | None = None) -> Card:
    """Write the model folder from the last checkpoints, score it on what was held back, complete the card."""
    segmenter = load_fit(recipe, "tissues", plan)
    locator, described, locator_images = _locator(recipe, plan)
    steps, seconds, processes = _effort(plan.checkpoint("tissues"))
    model = TrainedModel(
        name=_name(recipe, out, lists),
        recipe=recipe,
        segmenter=segmenter.best_network,
        locator=locator,
        locator_card=described,
        steps=steps,
        images=_images(recipe.segmenter, steps, processes),
        locator_images=locator_images,
        hours=seconds / 3600,
        started_from=_identity(recipe.start_from),
        lists={} if lists is None else lists.cards,
    )
    plan.tell("scoring what was held back")
    model = _calibrated(model, out, lists)
    model = replace(model, scores=_scores(Segmenter(export_model(model, out)), recipe, lists))
    card = export_model(model, out)
    write_curves(segmenter.curves, out, f"{card.name} {card.version}: {card.training.steps:,} steps")
    return card


def _locator(recipe: Recipe, plan: FitPlan) -> tuple[nn.Module, LocatorCard, int]:
    """The locating network, what a card says of it, and the number of images it saw."""
    if isinstance(recipe.locator, CopiedLocator):
        source = load_card(recipe.locator.copy_from)
        return load_locator(source), source.locator, source.training.locator_images
    steps, _, processes = _effort(plan.checkpoint("embryos"))
    fitting = load_fit(recipe, "embryos", plan)
    return fitting.best_network, locator_card(recipe.locator), _images(recipe.locator, steps, processes)


def _calibrated(model: TrainedModel, out: Path, lists: LabelledLists | None) -> TrainedModel:
    segmenter, job = Segmenter(export_model(model, out)), model.recipe.segmenter
    if lists is None:
        return replace(model, temperature=best_temperature(segmenter, job, CALIBRATION_IMAGES))
    samples = cut_samples(lists.val, job.input_size, "tissues")
    return replace(model, temperature=temperature_of(answers_to(samples, segmenter)))


def _scores(segmenter: Segmenter, recipe: Recipe, lists: LabelledLists | None) -> dict[str, Score]:
    if lists is not None:
        scores = {
            name: score_of(score_cases(cases, segmenter), ON_FRAMES)
            for name, cases in (("validation", lists.val), ("test", lists.test))
        }
        if recipe.start_from:
            before = score_cases(lists.test, Segmenter(load_card(recipe.start_from)))
            scores["test-before"] = score_of(before, f"{ON_FRAMES}; the weights that were started from")
        return scores
    held_back = score_on_held_back(segmenter, recipe.segmenter, SCORED_IMAGES)
    score = score_of(held_back.summary, ON_DRAWINGS)
    return {
        "synthetic": score.model_copy(update={"calibration_error": round(held_back.calibration_error, 4)})
    }


def _name(recipe: Recipe, out: Path, lists: LabelledLists | None) -> str:
    """A lab's weights are named after their folder: reports then say whose they are."""
    own = out.resolve().name.lower()
    return own if lists is not None and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", own) else recipe.name


def _identity(weights: str) -> str:
    if not weights:
        return ""
    card = load_card(weights)
    return f"{card.name} {card.version}, SHA-256 {card.sha256}"


def _effort(checkpoint: Path) -> tuple[int, float, int]:
    """Steps, seconds and processes of a fit."""
    content = read_checkpoint(checkpoint)
    return int(content["global_step"]), float(content["elapsed_seconds"]), int(content.get("processes", 1))


def _images(job: Job, steps: int, processes: int) -> int:
    return steps * job.optimisation.batch_size * job.optimisation.accumulate * processes
