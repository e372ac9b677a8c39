"""One training of a comparison: one network, one fold, one seed; trained, tested, and its result kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from blastoseg.datasets import open_dataset, select_split
from blastoseg.errors import DeviceError, NetworkFailedError, WeightsError
from blastoseg.evaluation.comparison.members import Member
from blastoseg.evaluation.comparison.optimisers import in_words
from blastoseg.evaluation.comparison.protocol import Protocol, labelled_data, splits_folder
from blastoseg.evaluation.comparison.results import (
    ImageResult,
    Trained,
    load_result,
    save_result,
    trial_folder,
)
from blastoseg.files import replace_atomically, safe_names
from blastoseg.model.card import CARD_FILE, Card, load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.training.held_out import label_cases
from blastoseg.training.inputs import DataFolders
from blastoseg.training.precision import precision_here
from blastoseg.training.recipe import Recipe
from blastoseg.training.train_model import train_model
from blastoseg.training.trainer import TrainingPlan

MODEL, TRAINING, LABELS = "model", "training", "labels"


@dataclass(frozen=True, slots=True)
class Trial:
    """One network with one fold, counted from 1, and one seed, counted from 0."""

    member: Member
    fold: int
    seed: int

    def __str__(self) -> str:
        return f"{self.member.shown}, fold {self.fold}, seed {self.seed}"

    def folder(self, out: Path) -> Path:
        """Where it lies in a comparison's folder."""
        return trial_folder(out, self.member.name, self.fold, self.seed)


def is_done(trial: Trial, out: Path) -> bool:
    """Whether a result is there, be it a failure."""
    return load_result(trial.folder(out)) is not None


def run_trial(trial: Trial, protocol: Protocol, out: Path, plan: TrainingPlan) -> Trained:
    """Train and test, going on from what is there already; returns the result, which is in its folder then.

    A network that diverges or for which memory is too small gives a result that says so.
    """
    folder = trial.folder(out)
    recipe = protocol.recipe_of(trial.member, trial.seed)
    job = recipe.segmenter
    result = Trained(
        name=trial.member.name,
        fold=trial.fold,
        seed=trial.seed,
        start=f"from {Path(job.pretrained).name}" if job.pretrained else "from scratch",
        optimiser=in_words(job.optimisation),
        computed_in=precision_here(job.optimisation.precision, plan.on_gpu),
    )
    plan.tell(f"{trial}")
    try:
        card = _train(trial, recipe, protocol, out, plan=plan)
        segmenter = Segmenter(card, plan.device, flips=False)
        tested = _test(trial, protocol, out, segmenter, tell=plan.tell)
    except (NetworkFailedError, WeightsError, DeviceError) as error:
        result = result.model_copy(update={"failed": str(error)})
    else:
        effort = {"images_seen": card.training.images, "hours": card.training.hours}
        result = result.model_copy(update=effort | {"tested": tested})
    folder.mkdir(parents=True, exist_ok=True)
    save_result(result, folder)
    return result


def _train(trial: Trial, recipe: Recipe, protocol: Protocol, out: Path, plan: TrainingPlan) -> Card:
    folder = trial.folder(out)
    if not (folder / MODEL / CARD_FILE).is_file():
        work = folder / TRAINING
        is_begun = (work / "tissues" / "last.ckpt").is_file()
        own = replace(plan, work=work, resume=is_begun, devices=1, is_scored=False)
        data = DataFolders({"": Path(protocol.data)}, splits_folder(out, trial.fold))
        train_model(recipe, folder / MODEL, own, data=data)
    return load_card(folder / MODEL)


def _test(
    trial: Trial, protocol: Protocol, out: Path, segmenter: Segmenter, tell: Callable[[str], None]
) -> list[ImageResult]:
    dataset = open_dataset(Path(protocol.data), labelled_data(protocol.recipe).pairs)
    cases = select_split(dataset, "test", splits_folder(out, trial.fold)).cases
    folder = trial.folder(out) / LABELS
    folder.mkdir(parents=True, exist_ok=True)
    names = safe_names(case.name for case in cases)
    tell(f"testing {trial} on {len(cases)} images")
    tested = []
    for case, (labels, counts) in zip(cases, label_cases(cases, segmenter), strict=True):
        path = folder / f"{names[case.name]}.png"
        with replace_atomically(path) as temporary:
            temporary.write_bytes(cv2.imencode(".png", labels)[1].tobytes())
        where = path.relative_to(out).as_posix()
        tested.append(ImageResult(name=case.name, group=case.group, counts=counts.tolist(), labels=where))
    return tested
