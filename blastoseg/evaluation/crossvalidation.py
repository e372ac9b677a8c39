"""Cross-validation: a recipe trained once a fold, each image tested by a model that never saw its embryo."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from blastoseg.datasets import open_dataset, split_into_folds, write_split
from blastoseg.evaluation.cases import EvaluationCase, LabelledFolder
from blastoseg.evaluation.compare import CaseOutcome, ComparisonPlan, compare_cases
from blastoseg.evaluation.evaluate import write_evaluation
from blastoseg.evaluation.folder import EvaluationFolder
from blastoseg.evaluation.workbook import EvaluationTables, run_facts
from blastoseg.model.card import CARD_FILE, load_card
from blastoseg.model.engine import default_engine
from blastoseg.model.segmenter import Segmenter
from blastoseg.settings import Settings
from blastoseg.training.inputs import DataFolders, folders_by_source
from blastoseg.training.recipe import Recipe
from blastoseg.training.train_model import train_model
from blastoseg.training.trainer import TrainingPlan

SPLITS, MODEL, TRAINING, EVALUATION = "splits", "model", "training", "evaluation"


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What is trained and tested, and where: ``out`` gets a folder a fold, and an evaluation a source.

    ``folders`` are the labelled folders by source, as on the command line of a training; ``plan`` says how
    each fold is trained (its ``work`` is replaced); ``settings`` how frames are judged, as in a run.
    """

    recipe: Recipe
    folders: Mapping[str, Path]
    out: Path
    plan: TrainingPlan
    settings: Settings
    folds: int = 5
    seed: int = 0
    batch_size: int = 8
    workers: int = 2

    def fold(self, number: int) -> Path:
        """The folder of one fold, counted from 1."""
        return self.out / f"fold-{number}"


def cross_validate(request: CrossValidation) -> dict[str, EvaluationTables]:
    """Train every fold, test each on its own images, and write one evaluation a source; returns them by name.

    A fold whose model is whole is not trained again, one that was begun goes on from its checkpoint. Raises
    the errors of training and of evaluation.
    """
    folders = folders_by_source(request.recipe, request.folders)
    several = len(folders) > 1
    for number in range(1, request.folds + 1):
        _train_fold(request, folders, number)
    tables = {}
    for source, folder in folders.items():
        request.plan.tell(f"testing on {folder}")
        place = request.out / EVALUATION / source if several else request.out / EVALUATION
        tables[source] = _evaluate_source(request, source, folder, EvaluationFolder(place))
    return tables


def _train_fold(request: CrossValidation, folders: Mapping[str, Path], number: int) -> None:
    place = request.fold(number)
    if (place / MODEL / CARD_FILE).is_file():
        request.plan.tell(f"fold {number} of {request.folds}: is trained already")
        return
    request.plan.tell(f"fold {number} of {request.folds}")
    for source, folder in folders.items():
        settings = request.recipe.labelled_sources[source]
        dataset = open_dataset(folder, settings.pairs)
        splits = split_into_folds(dataset, request.folds, request.seed, settings.val)
        write_split(splits[number - 1], _splits_of(request, number, source))
    work = place / TRAINING
    plan = replace(request.plan, work=work, resume=work.is_dir(), is_scored=False)
    train_model(request.recipe, place / MODEL, plan, data=DataFolders(folders, place / SPLITS))


def _splits_of(request: CrossValidation, number: int, source: str) -> Path:
    several = len(request.recipe.labelled_sources) > 1
    return request.fold(number) / SPLITS / source if several else request.fold(number) / SPLITS


def _evaluate_source(
    request: CrossValidation, source: str, folder: Path, written: EvaluationFolder
) -> EvaluationTables:
    written.create()
    outcomes: list[CaseOutcome] = []
    hashes = []
    engines = set()
    for number in range(1, request.folds + 1):
        card = load_card(request.fold(number) / MODEL)
        hashes.append(card.sha256[:12])
        segmenter = Segmenter(
            card,
            request.plan.device,
            request.batch_size,
            flips=request.settings.flips,
            engine=default_engine(),
        )
        engines.add(segmenter.engine)
        plan = ComparisonPlan(segmenter, request.settings, written.save_overlay, workers=request.workers)
        outcomes += compare_cases(_test_cases(request, source, folder, number), plan)
    facts = [
        ("Recipe", request.recipe.name),
        ("Recipe SHA-256", request.recipe.digest()),
        ("Data", f"{folder}, each image by the model that did not see its embryo or patient"),
        ("Folds", f"{request.folds}, seed {request.seed}"),
        ("Weights SHA-256", ", ".join(hashes)),
        ("Engine", ", ".join(sorted(engines))),
    ]
    return write_evaluation(outcomes, written, run_facts(facts))


def _test_cases(
    request: CrossValidation, source: str, folder: Path, number: int
) -> Iterator[Callable[[], EvaluationCase]]:
    pairs = request.recipe.labelled_sources[source].pairs
    split = LabelledFolder(folder, "test", _splits_of(request, number, source), pairs)
    return split.open().readers
