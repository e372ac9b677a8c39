"""From a recipe to a model folder: train both networks, score them, write folder and card."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lightning.pytorch.utilities import rank_zero_only
from torch import distributed, nn

from blastoseg.errors import EnvironmentProblemError, UsageError
from blastoseg.model.card import (
    MODEL_NAME,
    Card,
    ListCard,
    LocatorCard,
    QuantisationCard,
    Score,
    load_card,
    sha256_of,
)
from blastoseg.model.loading import load_locator
from blastoseg.model.segmenter import Segmenter
from blastoseg.stopping import told_how_to_go_on
from blastoseg.training.checkpoints import read_checkpoint
from blastoseg.training.curves import write_curves
from blastoseg.training.export import TrainedModel, export_model, locator_card, score_of
from blastoseg.training.fitted_optics import with_fitted_optics
from blastoseg.training.held_out import (
    Answer,
    answers_to,
    score_cases,
    score_on_synthetic,
    synthetic_answers,
    temperature_of,
)
from blastoseg.training.inputs import DataFolders, Splits, read_all_splits, read_frames
from blastoseg.training.labelled import cut_samples
from blastoseg.training.ranges import CROPS, quantisation_of
from blastoseg.training.recipe import CopiedLocator, Job, Recipe
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.sample import Target
from blastoseg.training.trainer import TrainingPlan, first_network, load_trained, train_network

log = logging.getLogger(__name__)

Part = Literal["all", "locator", "segmenter", "export"]
SCORED_IMAGES = 500
CALIBRATION_IMAGES = 200
ON_FRAMES = "whole frames as in a run: located, segmented, cleaned"
ON_SYNTHETIC = "held-out synthetic images, labels as the network gives them"

NETWORKS: dict[Target, str] = {"embryos": "locator", "tissues": "segmenter"}


def train_model(
    recipe: Recipe, out: Path, plan: TrainingPlan, part: Part = "all", data: DataFolders | None = None
) -> Card | None:
    """Train what ``part`` names and write the model folder ``out`` from the last checkpoints.

    Without both networks' checkpoints (a part of the work only) nothing is written, and None returned; so it
    is in all processes but the first. Raises TrainingError where training fails (the last checkpoint stays),
    DataError for data that cannot be used, UsageError where the recipe needs none and some are given.
    """
    plan = replace(plan, tell=_first_process_only(plan.tell))
    with told_how_to_go_on(f"what was trained before is kept: {plan.go_on}"):
        return _train_model(recipe, out, plan, part, data=data)


def _train_model(
    recipe: Recipe, out: Path, plan: TrainingPlan, part: Part, data: DataFolders | None
) -> Card | None:
    trained: list[Target] = (
        ["tissues"] if isinstance(recipe.locator, CopiedLocator) else ["embryos", "tissues"]
    )
    wanted: dict[Part, set[Target]] = {
        "all": {"embryos", "tissues"},
        "locator": {"embryos"},
        "segmenter": {"tissues"},
        "export": set(),
    }
    plans = {
        target: replace(plan, resume=plan.resume and plan.checkpoint(target).is_file())
        for target in trained
        if target in wanted[part]
    }
    # What weights cannot give is found out now, and not when the first network is trained.
    if isinstance(recipe.locator, CopiedLocator):
        load_locator(load_card(recipe.locator.copy_from))
    for target, its_plan in plans.items():
        first_network(recipe, target, its_plan)
    splits = read_all_splits(recipe, plan, data)
    for target, its_plan in plans.items():
        resuming = ", from its last checkpoint" if its_plan.resume else ""
        plan.tell(f"training the {NETWORKS[target]}{resuming}")
        frames = None
        if target == "tissues":
            frames = read_frames(recipe, plan, data)
            recipe = with_fitted_optics(recipe, its_plan, frames)
        train_network(recipe, target, its_plan, splits, unlabelled=frames)
    missing = [NETWORKS[target] for target in trained if not plan.checkpoint(target).is_file()]
    if missing and part != "export":
        plan.tell(f"{out}: not written yet: the {' and the '.join(missing)} is not trained")
        return None
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
    if not _is_first_process():
        return None
    recipe = with_fitted_optics(recipe, plan, None)
    with told_how_to_go_on(f"the networks are trained, but {out} is not whole yet: {plan.go_on}"):
        return write_model(recipe, out, plan, splits)


def _first_process_only(tell: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: tell(text) if _is_first_process() else None


def _is_first_process() -> bool:
    # Lightning sets it from what torchrun, SLURM or its own launcher say.
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def write_model(recipe: Recipe, out: Path, plan: TrainingPlan, splits: Splits | None = None) -> Card:
    """Write the model folder from the last checkpoints, score it on what was held out, complete the card."""
    splits = splits or {}
    segmenter = load_trained(recipe, "tissues", plan)
    locator, described, locator_images = _locator(recipe, plan)
    steps, seconds, processes = _effort(plan.checkpoint("tissues"))
    model = TrainedModel(
        name=_name(recipe, out),
        recipe=recipe,
        segmenter=segmenter.best_network,
        locator=locator,
        locator_card=described,
        steps=steps,
        images=_images(recipe.segmenter, steps, processes),
        locator_images=locator_images,
        hours=seconds / 3600,
        started_from=_identity(recipe),
        lists=_lists(recipe, plan, splits),
    )
    plan.tell("looking at what was held out")
    model = _calibrated(model, out, splits)
    model = replace(model, quantisation=_quantisation(model, out, splits, plan.tell))
    if plan.is_scored:
        model = replace(model, scores=_scores(Segmenter(export_model(model, out)), recipe, splits))
    card = export_model(model, out)
    write_curves(segmenter.curves, out, f"{card.name} {card.version}: {card.training.steps:,} steps")
    return card


def _locator(recipe: Recipe, plan: TrainingPlan) -> tuple[nn.Module, LocatorCard, int]:
    """The locating network, what a card says of it, and the number of images it saw."""
    if isinstance(recipe.locator, CopiedLocator):
        source = load_card(recipe.locator.copy_from)
        return load_locator(source), source.locator, source.training.locator_images
    steps, _, processes = _effort(plan.checkpoint("embryos"))
    module = load_trained(recipe, "embryos", plan)
    return module.best_network, locator_card(recipe.locator), _images(recipe.locator, steps, processes)


def _prefixed(recipe: Recipe, source: str, name: str) -> str:
    """What a source's split or score is called in the card: by the source too, where there are several."""
    return f"{source}-{name}" if len(recipe.segmenter.sources) > 1 else name


def _calibrated(model: TrainedModel, out: Path, splits: Splits) -> TrainedModel:
    answers = _held_out_answers(Segmenter(export_model(model, out)), model.recipe, splits)
    return replace(model, temperature=temperature_of(answers))


def _quantisation(
    model: TrainedModel, out: Path, splits: Splits, tell: Callable[[str], None]
) -> QuantisationCard | None:
    """What 8-bit integers need, off synthetic and labelled crops; None, and told why, without."""
    side = model.recipe.segmenter.input_size
    # Read only once it is known that they are needed.
    crops = (
        sample.image for of in splits.values() for sample in cut_samples(of.train[:CROPS], side, "tissues")
    )
    try:
        return quantisation_of(load_card(out), crops)
    except (EnvironmentProblemError, UsageError) as error:
        tell(f"these weights will not be computed in 8-bit integers: {error}")
        return None


def _held_out_answers(segmenter: Segmenter, recipe: Recipe, splits: Splits) -> Iterator[Answer]:
    """Answers to the validation images; to synthetic ones only where no labelled image was held out."""
    validated = [of.val for of in splits.values() if of.val]
    for cases in validated:
        yield from answers_to(cut_samples(cases, segmenter.input_side, "tissues"), segmenter)
    if not validated:
        for source in recipe.segmenter.sources:
            if isinstance(source.data, SyntheticData):
                yield from synthetic_answers(segmenter, source.data, CALIBRATION_IMAGES)


def _scores(segmenter: Segmenter, recipe: Recipe, splits: Splits) -> dict[str, Score]:
    scores = {}
    before = Segmenter(load_card(recipe.start_from)) if recipe.start_from and splits else None
    for source in recipe.segmenter.sources:
        if isinstance(source.data, SyntheticData):
            scores[source.name] = _synthetic_score(segmenter, source.data)
            continue
        of = splits[source.name]
        for name, cases in (("validation", of.val), ("test", of.test)):
            if cases:
                score = score_of(score_cases(cases, segmenter), ON_FRAMES)
                scores[_prefixed(recipe, source.name, name)] = score
        if before is not None and of.test:
            note = f"{ON_FRAMES}; the weights that were started from"
            scores[_prefixed(recipe, source.name, "test-before")] = score_of(
                score_cases(of.test, before), note
            )
    return scores


def _synthetic_score(segmenter: Segmenter, data: SyntheticData) -> Score:
    held_out = score_on_synthetic(segmenter, data, SCORED_IMAGES)
    score = score_of(held_out.summary, ON_SYNTHETIC)
    return score.model_copy(update={"calibration_error": round(held_out.calibration_error, 4)})


def _lists(recipe: Recipe, plan: TrainingPlan, splits: Splits) -> dict[str, ListCard]:
    """What the card says of the images of a lab: of every split, and of the frames without labels."""
    lists = {
        _prefixed(recipe, name, kind): card for name, of in splits.items() for kind, card in of.cards.items()
    }
    frames = read_checkpoint(plan.checkpoint("tissues")).get("unlabelled")
    return lists | ({"unlabelled": ListCard.model_validate(frames)} if frames else {})


def _name(recipe: Recipe, out: Path) -> str:
    """A lab's weights are named after their folder: reports then say whose they are."""
    own = out.resolve().name.lower()
    is_labs = recipe.labelled_sources or recipe.segmenter.unlabelled is not None
    return own if is_labs and re.fullmatch(MODEL_NAME, own) else recipe.name


def _identity(recipe: Recipe) -> str:
    """What the segmenter was filled from; empty for a fresh one."""
    if file := recipe.segmenter.pretrained:
        return f"{Path(file).name}, SHA-256 {sha256_of(Path(file))}"
    if not recipe.start_from:
        return ""
    card = load_card(recipe.start_from)
    return f"{card.name} {card.version}, SHA-256 {card.sha256}"


def _effort(checkpoint: Path) -> tuple[int, float, int]:
    """Steps, seconds and processes of a training."""
    content = read_checkpoint(checkpoint)
    return int(content["global_step"]), float(content["elapsed_seconds"]), int(content.get("processes", 1))


def _images(job: Job, steps: int, processes: int) -> int:
    return steps * job.optimisation.batch_size * job.optimisation.accumulate * processes
