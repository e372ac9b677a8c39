"""From a recipe to a model folder: train both networks, score them, write folder and card."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lightning.pytorch.utilities import rank_zero_only
from torch import distributed, nn

from blastoseg.errors import DataError, UsageError, counted
from blastoseg.model.card import MODEL_NAME, Card, ListCard, LocatorCard, Score, load_card, sha256_of
from blastoseg.model.loading import load_locator
from blastoseg.model.segmenter import Segmenter
from blastoseg.stopping import told_how_to_go_on
from blastoseg.training.checkpoints import read_checkpoint
from blastoseg.training.curves import write_curves
from blastoseg.training.data import Target
from blastoseg.training.export import TrainedModel, export_model, locator_card, score_of
from blastoseg.training.held_out import (
    Answer,
    answers_to,
    score_cases,
    score_on_synthetic,
    synthetic_answers,
    temperature_of,
)
from blastoseg.training.labelled import LabelledSplits, cut_samples, read_splits
from blastoseg.training.recipe import CopiedLocator, Job, Recipe
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.trainer import TrainingPlan, first_network, load_trained, train_network
from blastoseg.training.unlabelled import UnlabelledFrames, read_unlabelled

log = logging.getLogger(__name__)

Part = Literal["all", "locator", "segmenter", "export"]
SCORED_IMAGES = 500
CALIBRATION_IMAGES = 200
ON_FRAMES = "whole frames as in a run: located, segmented, cleaned"
ON_SYNTHETIC = "held-out synthetic images, labels as the network gives them"

NETWORKS: dict[Target, str] = {"embryos": "locator", "tissues": "segmenter"}

Splits = dict[str, LabelledSplits]
"""The splits of every labelled source, by its name."""


@dataclass(frozen=True, slots=True)
class DataFolders:
    """The labelled folders of a training by source, and where the files of their splits lie if not with them.

    A folder without a source's name stands under "" and is that of the recipe's only labelled source. With
    several sources, ``lists`` has a folder for each, of its name. Frames without labels are ``unlabelled``.
    """

    folders: Mapping[str, Path]
    lists: Path | None = None
    unlabelled: tuple[Path, ...] = ()


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
    splits = _read_all_splits(recipe, plan, data)
    for target, its_plan in plans.items():
        resuming = ", from its last checkpoint" if its_plan.resume else ""
        plan.tell(f"training the {NETWORKS[target]}{resuming}")
        frames = _read_frames(recipe, plan, data) if target == "tissues" else None
        train_network(recipe, target, its_plan, splits, unlabelled=frames)
    missing = [NETWORKS[target] for target in trained if not plan.checkpoint(target).is_file()]
    if missing and part != "export":
        plan.tell(f"{out}: not written yet: the {' and the '.join(missing)} is not trained")
        return None
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
    if not _is_first_process():
        return None
    with told_how_to_go_on(f"the networks are trained, but {out} is not whole yet: {plan.go_on}"):
        return write_model(recipe, out, plan, splits)


def _first_process_only(tell: Callable[[str], None]) -> Callable[[str], None]:
    return lambda text: tell(text) if _is_first_process() else None


def _is_first_process() -> bool:
    # Lightning sets it from what torchrun, SLURM or its own launcher say.
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def _read_all_splits(recipe: Recipe, plan: TrainingPlan, data: DataFolders | None) -> Splits:
    wanted = recipe.labelled_sources
    folders = folders_by_source(recipe, {} if data is None else data.folders)
    several = len(wanted) > 1
    splits = {}
    for name, settings in wanted.items():
        given = data.lists if data is not None else None
        if given is not None and several:
            given = given / name
        own = plan.work / "lists" / name if several else plan.work / "lists"
        splits[name] = read_splits(folders[name], settings, given, own, tell=plan.tell)
        sizes = (
            f"{kind} {counted(card.images, 'image')} of {counted(card.groups, 'embryo or patient')}"
            for kind, card in splits[name].cards.items()
        )
        plan.tell(f"{name + ': ' if several else ''}{', '.join(sizes)}")
    return splits


def _read_frames(recipe: Recipe, plan: TrainingPlan, data: DataFolders | None) -> UnlabelledFrames | None:
    """The frames without labels, cut out by the locator of the weights that are started from."""
    if recipe.segmenter.unlabelled is None:
        return None
    paths = () if data is None else data.unlabelled
    if not paths:
        raise UsageError(
            f"recipe {recipe.name} is for unlabelled frames too: name their folder with --unlabelled DIR"
        )
    segmenter = Segmenter(load_card(recipe.start_from), "auto" if plan.on_gpu else "cpu")
    return read_unlabelled(paths, recipe.segmenter, segmenter, plan.tell)


def folders_by_source(recipe: Recipe, folders: Mapping[str, Path]) -> dict[str, Path]:
    """The folder of every labelled source of the recipe."""
    wanted = list(recipe.labelled_sources)
    if not wanted and folders:
        given = ", ".join(str(path) for path in folders.values())
        raise UsageError(
            f"recipe {recipe.name} has synthetic images only: leave {given} out, or take another recipe"
        )
    named = {wanted[0] if not name and len(wanted) == 1 else name: path for name, path in folders.items()}
    for name, path in named.items():
        if name not in wanted:
            given = f"{name}={path}" if name else str(path)
            raise UsageError(
                f"{given}: recipe {recipe.name} has the sources {', '.join(wanted)}: give SOURCE=DIR"
            )
    missing = [name for name in wanted if name not in named]
    if missing:
        words = "DATA" if len(wanted) == 1 else " ".join(f"{name}=DIR" for name in wanted)
        raise DataError(
            f"recipe {recipe.name} is for labelled images: name their folder,  blastoseg train {words}"
        )
    return named


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
