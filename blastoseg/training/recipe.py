"""Recipes: TOML files that say completely how a model is made. An unknown key is an error."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from blastoseg.errors import SettingsError
from blastoseg.model.card import load_card
from blastoseg.training.recipe_data import Augmentation, Data, LabelledData, MixedData, Section, Source

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
"""auto: bf16-mixed where the processor or the GPU computes it natively, else 32-true."""


class LossTerms(Section):
    """Weights of the loss: of each level (finest first), of each class (inside-out), of the soft Dice term.

    Without level and class weights and with ``dice`` 0 it is the paper's loss.
    """

    level_weights: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    dice: float = Field(default=0.0, ge=0)


class Optimisation(Section):
    """How the weights are found.

    ``batch_size`` is that of one process; ``accumulate`` such batches make a step. The length is given in
    ``steps`` or, for labelled data, in ``epochs``; ``max_minutes`` ends a run earlier, with the whole
    schedule in that time.
    """

    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    schedule: Literal["poly", "cosine"]
    warmup_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(ge=1)
    accumulate: int = Field(default=1, ge=1)
    steps: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    gradient_clip: float = Field(default=0.0, ge=0)
    precision: Precision = "32-true"
    compile: bool = False
    workers: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    @property
    def total_steps(self) -> int:
        """The number of steps, once it is known. A length in epochs becomes one where the data are read."""
        if self.steps is None:
            raise ValueError("the number of steps is not known before the data are")
        return self.steps


class Job(Section):
    """One network's training.

    With a ``second_size`` (the segmenter only), the batches of every other step are scaled to it, and so are
    two of the four mirrorings that a run averages over.
    """

    input_size: int = Field(gt=0, multiple_of=16)
    second_size: int | None = Field(default=None, gt=0, multiple_of=16)
    network: dict[str, Any]
    data: Data
    augmentation: Augmentation = Augmentation()
    loss: LossTerms = LossTerms()
    optimisation: Optimisation

    @model_validator(mode="after")
    def _epochs_need_an_end(self) -> Self:
        if self.optimisation.epochs is not None and not isinstance(self.data, LabelledData):
            raise ValueError("synthetic images never end: give steps, not epochs")
        return self

    @model_validator(mode="after")
    def _is_watched(self) -> Self:
        if isinstance(self.data, LabelledData) and not self.data.val:
            raise ValueError("data.val must be more than 0: without it nothing watches the training")
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the samples come from: a mixture's sources, or the one there is, named after its kind."""
        if isinstance(self.data, MixedData):
            return self.data.sources
        return (Source(name=self.data.kind, share=1.0, data=self.data),)

    def lasting(self, steps: int) -> "Job":
        """The same job with its length in steps."""
        return self.model_copy(
            update={"optimisation": self.optimisation.model_copy(update={"steps": steps, "epochs": None})}
        )


class CopiedLocator(Section):
    """The locator of other weights, as it is: labelled crops cannot teach what else lies in a frame."""

    copy_from: str


class Recipe(Section):
    """A whole model: the segmenter and the locator, with what the card says about them.

    ``start_from`` names the weights that the segmenter starts from; empty for a fresh network.
    """

    name: str
    version: str
    description: str
    pixel_size: str
    limits: tuple[str, ...]
    data_description: str
    seed: int
    start_from: str = ""
    segmenter: Job
    locator: Job | CopiedLocator

    @field_validator("locator")
    @classmethod
    def _has_one_size(cls, locator: Job | CopiedLocator) -> Job | CopiedLocator:
        if isinstance(locator, Job) and locator.second_size is not None:
            raise ValueError("second_size is for the segmenter only")
        return locator

    @property
    def labelled_sources(self) -> dict[str, LabelledData]:
        """The sources whose folders must be given, by name; the segmenter's hold for the locator too."""
        jobs = [job for job in (self.locator, self.segmenter) if isinstance(job, Job)]
        return {
            source.name: source.data
            for job in jobs
            for source in job.sources
            if isinstance(source.data, LabelledData)
        }

    def digest(self) -> str:
        """SHA-256 of everything the recipe says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def recipes_folder() -> Path:
    """The folder with the bundled recipes: inside an installed package, or of the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundled_recipes"
    return installed if installed.is_dir() else package.parent / "train"


def load_recipe(name_or_path: str | Path, start_from: str = "", epochs: int | None = None) -> Recipe:
    """A bundled recipe by name, or a recipe file by path.

    ``start_from`` replaces the recipe's own, the copied locator's weights too; where the recipe describes no
    network, it is that of these weights. ``epochs`` replaces the recipe's length.
    Raises SettingsError naming the file and the key that is wrong, or the choices for an unknown name;
    WeightsError for unknown weights.
    """
    bundled = recipes_folder() / f"{name_or_path}.toml"
    path = bundled if bundled.is_file() else Path(name_or_path)
    content = _read_toml(path)
    if start_from:
        content["start_from"] = start_from
        if "copy_from" in content.get("locator", {}):
            content["locator"]["copy_from"] = start_from
    segmenter = content.get("segmenter", {})
    if content.get("start_from") and isinstance(segmenter, dict):
        card = load_card(content["start_from"])
        if "input_size" not in segmenter:
            segmenter["input_size"] = card.segmenter.input_size
            segmenter.setdefault("second_size", card.segmenter.second_size)
        segmenter.setdefault("network", card.segmenter.config)
    try:
        if epochs is not None:
            del segmenter["optimisation"]["epochs"]
            segmenter["optimisation"]["epochs"] = epochs
        return Recipe.model_validate(content)
    except KeyError as error:
        raise SettingsError(f"{path}: its length is not in epochs: --max-epochs cannot change it") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"{path}: {problems}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        choices = ", ".join(sorted(recipe.stem for recipe in recipes_folder().glob("*.toml")))
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}): give a recipe file, or one of {choices}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error
