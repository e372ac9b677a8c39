"""From a recipe to a model folder: fit both networks, score them, write folder and card."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from blastoseg.segment import Segmenter
from blastoseg.training.data import Target
from blastoseg.training.export import TrainedModel, export_model, score_of
from blastoseg.training.fit import FitPlan, fit_network, load_fit
from blastoseg.training.held_back import best_temperature, score_on_held_back
from blastoseg.training.recipe import Job, Recipe
from blastoseg.weights import Card

log = logging.getLogger(__name__)

Part = Literal["all", "locator", "segmenter", "export"]
SCORED_IMAGES = 500
CALIBRATION_IMAGES = 200


def make_model(recipe: Recipe, out: Path, plan: FitPlan, part: Part = "all") -> Card | None:
    """Fit what ``part`` names and write the model folder ``out`` from the last checkpoints.

    Without both networks' checkpoints (a part of the work only) nothing is written, and None returned.
    Raises TrainingError where a fit fails; the last checkpoint is kept.
    """
    targets: dict[Part, tuple[Target, ...]] = {
        "all": ("embryos", "tissues"),
        "locator": ("embryos",),
        "segmenter": ("tissues",),
        "export": (),
    }
    for target in targets[part]:
        resuming = plan.resume and plan.checkpoint(target).is_file()
        log.info("fitting the network for %s%s", target, ", from its last checkpoint" if resuming else "")
        fit_network(recipe, target, replace(plan, resume=resuming))
    missing = [target for target in ("embryos", "tissues") if not plan.checkpoint(target).is_file()]
    if missing and part != "export":
        log.info("%s: not written yet: no network for %s was fitted", out, " and ".join(missing))
        return None
    return write_model(recipe, out, plan)


def write_model(recipe: Recipe, out: Path, plan: FitPlan) -> Card:
    """Write the model folder from the last checkpoints, score it on held-back drawings, complete the card."""
    segmenter, locator = load_fit(recipe, "tissues", plan), load_fit(recipe, "embryos", plan)
    steps, seconds = _effort(plan.checkpoint("tissues"))
    model = TrainedModel(
        recipe=recipe,
        segmenter=segmenter.best_network,
        locator=locator.best_network,
        steps=steps,
        images=_images(recipe.segmenter, steps),
        locator_images=_images(recipe.locator, _effort(plan.checkpoint("embryos"))[0]),
        hours=seconds / 3600,
    )
    temperature = best_temperature(Segmenter(export_model(model, out)), recipe.segmenter, CALIBRATION_IMAGES)
    model = replace(model, temperature=temperature)
    held_back = score_on_held_back(Segmenter(export_model(model, out)), recipe.segmenter, SCORED_IMAGES)
    score = score_of(held_back.summary, "held-back drawings, labels as the network gives them")
    score = score.model_copy(update={"calibration_error": round(held_back.calibration_error, 4)})
    return export_model(replace(model, scores={"synthetic": score}), out)


def _effort(checkpoint: Path) -> tuple[int, float]:
    content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return int(content["global_step"]), float(content["elapsed_seconds"])


def _images(job: Job, steps: int) -> int:
    return steps * job.optimisation.batch_size
