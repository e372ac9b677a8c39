"""What a training is given: labelled folders by source, and frames without labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blastoseg.errors import DataError, UsageError, counted
from blastoseg.model.card import load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.training.labelled import LabelledSplits, read_splits
from blastoseg.training.recipe import Recipe
from blastoseg.training.trainer import TrainingPlan
from blastoseg.training.unlabelled import UnlabelledFrames, read_unlabelled

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


def read_all_splits(recipe: Recipe, plan: TrainingPlan, data: DataFolders | None) -> Splits:
    """The splits of every labelled source, told with their sizes; made where the data have none.

    Raises DataError where a folder is missing or is no data, UsageError for one that no source asks for.
    """
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


def read_frames(recipe: Recipe, plan: TrainingPlan, data: DataFolders | None) -> UnlabelledFrames | None:
    """The frames without labels, cut out by the locator of the weights that are started from."""
    if recipe.segmenter.unlabelled is None:
        return None
    paths = () if data is None else data.unlabelled
    if not paths:
        raise UsageError(
            f"recipe {recipe.name} is for unlabelled frames too: name their folder with --unlabelled DIR"
        )
    segmenter = Segmenter(load_card(recipe.start_from), plan.device)
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
