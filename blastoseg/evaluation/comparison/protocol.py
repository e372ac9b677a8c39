"""What is the same for every network of a comparison, kept in its folder: a later call goes on by it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from blastoseg.datasets import (
    SPLIT_NAMES,
    LabelledDataset,
    Split,
    list_path,
    select_split,
    split_dataset,
    split_into_folds,
    write_split,
)
from blastoseg.errors import DataError, UsageError, counted
from blastoseg.evaluation.comparison.members import Member
from blastoseg.evaluation.comparison.optimisers import optimisation_of
from blastoseg.files import replace_atomically
from blastoseg.model.architectures.configuration import Width
from blastoseg.training.recipe import Recipe
from blastoseg.training.recipe_data import LabelledData
from blastoseg.training.recipe_optimisation import Optimisation

PROTOCOL = "protocol.json"
PURPOSE = "one of several networks trained alike, to be compared."
NEVER_REACHED = 10_000_000
"""Steps of a training that ends by the clock."""

Budget = Literal["images", "epochs", "minutes"]


class Protocol(BaseModel):
    """``budget`` and ``amount``: how long a training is. ``own_optimiser``: each network its published one.

    ``data`` and ``lists`` are absolute paths, ``recipe`` a whole recipe, ``pretrained`` a file by network.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    recipe: Recipe
    width: Width
    budget: Budget
    amount: int
    folds: int
    seeds: int
    own_optimiser: bool
    lists: str = ""
    pretrained: dict[str, str] = {}

    @property
    def length_in_words(self) -> str:
        """How long each network is trained."""
        noun = self.budget.removesuffix("s")
        return f"{counted(self.amount, noun)}{' seen' if self.budget == 'images' else ''}"

    def optimisation(self, member: Member) -> Optimisation:
        """How the weights of one network are found, at the length that all have."""
        common = self.recipe.segmenter.optimisation
        settings = optimisation_of(member.architecture, common, self.own_optimiser)
        length: dict[str, Any] = {"steps": None, "epochs": None, "max_minutes": None}
        if self.budget == "images":
            length["steps"] = -(-self.amount // (settings.batch_size * settings.accumulate))
        elif self.budget == "epochs":
            length["epochs"] = self.amount
        else:
            length |= {"steps": NEVER_REACHED, "max_minutes": float(self.amount)}
        return Optimisation.model_validate(settings.model_dump() | length)

    def recipe_of(self, member: Member, seed: int) -> Recipe:
        """The recipe of one training: nothing but network, optimiser, start and seed differ between two."""
        content = self.recipe.model_dump(mode="json", exclude_none=True)
        segmenter = content["segmenter"]
        segmenter |= {
            "architecture": member.architecture,
            "network": member.settings,
            "pretrained": self.pretrained.get(member.name, ""),
            "optimisation": self.optimisation(member).model_dump(mode="json", exclude_none=True),
        }
        segmenter["data"]["seed"] += seed
        if member.level_weights is not None:
            segmenter["loss"]["level_weights"] = member.level_weights
        start = "pretrained" if segmenter["pretrained"] else "from scratch"
        content["description"] = f"{member.shown}, {self.width}, {start}, {self.length_in_words}: {PURPOSE}"
        content["name"] = member.name
        content["seed"] += seed
        return Recipe.model_validate(content)


def at_size(recipe: Recipe, side: int | None) -> Recipe:
    """The recipe with another size of the input; the same without one.

    Whether a network takes it is found where its own recipe is made.
    """
    if side is None:
        return recipe
    return recipe.model_copy(update={"segmenter": recipe.segmenter.model_copy(update={"input_size": side})})


def labelled_data(recipe: Recipe) -> LabelledData:
    """The recipe's data. Raises UsageError where they are not the labelled images of one source."""
    data = recipe.segmenter.data
    if not isinstance(data, LabelledData) or recipe.start_from:
        raise UsageError(
            f"recipe {recipe.name} is not for a comparison, which trains on one labelled set and from "
            "scratch: change a copy of train/comparison.toml"
        )
    return data


def keep_protocol(protocol: Protocol, out: Path) -> None:
    """Write the protocol, or hold it against the one in ``out``. Raises UsageError where they differ."""
    path = out / PROTOCOL
    if path.is_file():
        before = read_protocol(out).model_dump(mode="json")
        now = protocol.model_dump(mode="json")
        changed = [key for key in now if now[key] != before[key]]
        if changed:
            raise UsageError(
                f"{out}: holds a comparison with another {' and '.join(changed)}: networks are compared "
                "under one protocol: give the options that it was begun with, or another --out"
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as temporary:
        temporary.write_text(protocol.model_dump_json(indent=1), "utf-8")


def read_protocol(out: Path) -> Protocol:
    """The protocol of a comparison's folder. Raises DataError where there is none or it is damaged."""
    try:
        return Protocol.model_validate_json((out / PROTOCOL).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(
            f"{out / PROTOCOL}: is no protocol of a comparison ({problem}): name the folder that "
            "blastoseg compare DATA --out FOLDER wrote"
        ) from error


def splits_folder(out: Path, fold: int) -> Path:
    """Where the lists of one fold lie, counted from 1."""
    return out / "splits" / f"fold-{fold}"


def write_splits(dataset: LabelledDataset, protocol: Protocol, out: Path) -> None:
    """The lists that all networks share: those that are there, or folds by embryo or patient."""
    data = labelled_data(protocol.recipe)
    if (splits_folder(out, protocol.folds) / "test.txt").is_file():
        return
    if protocol.folds > 1:
        if protocol.lists:
            raise UsageError("give either --lists or --folds: lists are one split")
        splits = split_into_folds(dataset, protocol.folds, data.seed, data.val)
    else:
        splits = (_one_split(dataset, protocol, data),)
    for fold, split in enumerate(splits, 1):
        write_split(split, splits_folder(out, fold))


def _one_split(dataset: LabelledDataset, protocol: Protocol, data: LabelledData) -> Split:
    folder = Path(protocol.lists) if protocol.lists else dataset.root
    if not protocol.lists and not list_path(folder, "test").is_file():
        return split_dataset(dataset, data.seed, data.test, data.val)
    names = [tuple(case.name for case in select_split(dataset, name, folder).cases) for name in SPLIT_NAMES]
    return Split(*names)
