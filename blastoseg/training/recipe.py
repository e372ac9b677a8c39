"""Recipes: TOML files that say completely how a model is made. An unknown key is an error."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from blastoseg.errors import SettingsError, UsageError, WeightsError
from blastoseg.files import read_toml
from blastoseg.model.architectures.configuration import Configuration, problems_in_words
from blastoseg.model.architectures.registry import LOCATORS, SEGMENTERS, Registry
from blastoseg.model.card import MODEL_NAME, SegmenterCard, load_card
from blastoseg.model.described import DescribedNetwork
from blastoseg.training.recipe_data import (
    Augmentation,
    Data,
    LabelledData,
    MixedData,
    Section,
    Source,
    SyntheticData,
    problem_on_device,
)
from blastoseg.training.recipe_network import problems_of_network
from blastoseg.training.recipe_optimisation import LossTerms, Optimisation
from blastoseg.training.recipe_unlabelled import Unlabelled

KINDS = frozenset({"fitted", "copied", "synthetic", "labelled", "mixed"})
"""Parts of a key that pydantic adds: which of several kinds a section is."""


class Job(DescribedNetwork):
    """One network's training.

    ``pretrained`` is a safetensors file to fill the network, or its encoder, from: tensors are named as the
    network names them. ``stored`` is the type of the weights in the model's folder: float16 halves the file,
    and a network with weights so rounded answers the same to a thousandth. They are computed with as float32.

    With a ``second_size`` (the segmenter only), the batches of every other step are scaled to it, and so are
    two of the four mirror images that a run averages over.
    """

    registry: ClassVar[Registry[Any]] = SEGMENTERS

    architecture: str = "i2cnet"
    network: dict[str, Any]
    input_size: int
    second_size: int | None = None
    pretrained: str = ""
    stored: Literal["float32", "float16"] = "float32"
    data: Data
    augmentation: Augmentation = Augmentation()
    unlabelled: Unlabelled | None = None
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

    @model_validator(mode="after")
    def _has_a_teacher(self) -> Self:
        if self.unlabelled is not None and not self.optimisation.ema_decay:
            raise ValueError("unlabelled frames are labelled by the weights' average: give ema_decay")
        return self

    @model_validator(mode="after")
    def _has_real_images(self) -> Self:
        is_real = any(isinstance(source.data, LabelledData) for source in self.sources)
        if self.takes_tones and not is_real and self.unlabelled is None:
            raise ValueError("fda takes tones from real frames: give a labelled source or unlabelled frames")
        return self

    @model_validator(mode="after")
    def _has_frames_to_fit(self) -> Self:
        if self.fits_optics and self.unlabelled is None:
            raise ValueError("data.fitted_share is for unlabelled frames: give data.fitted, or leave it out")
        return self

    @model_validator(mode="after")
    def _can_be_on_the_device(self) -> Self:
        if not self.optimisation.on_device:
            return self
        if not isinstance(self.data, LabelledData) or self.unlabelled is not None:
            raise ValueError("on_device is for labelled images of one source alone")
        if problem := problem_on_device(self.augmentation):
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _draws_the_same_anywhere(self) -> Self:
        if isinstance(self.data, SyntheticData) and self.optimisation.workers == "auto":
            raise ValueError("synthetic images alone depend on the number of workers: give a number")
        return self

    @property
    def fits_optics(self) -> bool:
        """Whether any source's synthetic images are to look like the unlabelled frames."""
        return any(isinstance(of.data, SyntheticData) and of.data.needs_fit for of in self.sources)

    @property
    def takes_tones(self) -> bool:
        """Whether any source's images take over the coarse tones of real ones (``fda``)."""
        return any((source.augmentation or self.augmentation).fda for source in self.sources)

    @property
    def configuration(self) -> Configuration:
        """The description of the network."""
        configuration: Configuration = self.registry.configure(self.architecture, self.network)
        return configuration

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


class LocatorJob(Job):
    """The training of a locator: it has one size, and one map."""

    registry: ClassVar[Registry[Any]] = LOCATORS

    architecture: str = "unet"

    @field_validator("second_size")
    @classmethod
    def _has_one_size(cls, side: int | None) -> int | None:
        if side is not None:
            raise ValueError("is for the segmenter only")
        return side

    @field_validator("pretrained", "unlabelled")
    @classmethod
    def _is_plain(cls, given: Any) -> Any:
        if given:
            raise ValueError("is for the segmenter only")
        return given

    @field_validator("loss")
    @classmethod
    def _has_one_map(cls, loss: LossTerms) -> LossTerms:
        if loss.level_weights is not None or loss.class_weights is not None:
            raise ValueError("level_weights and class_weights are for the segmenter only")
        return loss


class CopiedLocator(Section):
    """The locator of other weights, as it is: labelled crops cannot teach what else lies in a frame."""

    copy_from: str


def _kind_of_locator(locator: Any) -> str:
    is_copied = isinstance(locator, CopiedLocator) or (isinstance(locator, dict) and "copy_from" in locator)
    return "copied" if is_copied else "fitted"


class Recipe(Section):
    """A whole model: the segmenter and the locator, with what the card says about them.

    ``start_from`` names the weights that both networks start from; empty for fresh ones.
    """

    name: str = Field(pattern=MODEL_NAME)
    version: str
    description: str
    pixel_size: str
    limits: tuple[str, ...]
    data_description: str
    seed: int
    start_from: str = ""
    segmenter: Job
    locator: Annotated[
        Annotated[LocatorJob, Tag("fitted")] | Annotated[CopiedLocator, Tag("copied")],
        Discriminator(_kind_of_locator),
    ]

    @model_validator(mode="after")
    def _starts_from_one_thing(self) -> Self:
        if self.start_from and self.segmenter.pretrained:
            raise ValueError("give either start_from (--from) or segmenter.pretrained")
        return self

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


def load_recipe(
    name_or_path: str | Path, start_from: str = "", epochs: int | None = None, unlabelled: bool = False
) -> Recipe:
    """A bundled recipe by name, or a recipe file by path.

    ``start_from`` replaces the recipe's own, the copied locator's weights too; where the recipe describes no
    network, it is that of these weights. ``epochs`` replaces the recipe's length. With
    ``unlabelled`` frames a recipe that says nothing of them takes the defaults of ``Unlabelled``.
    Raises SettingsError naming the file and the key that is wrong, or the choices for an unknown name, also
    for what a card demands. WeightsError for unknown weights, EnvironmentProblemError for a missing library,
    UsageError where unlabelled frames have no locator to be cut out by.
    """
    bundled = recipes_folder() / f"{name_or_path}.toml"
    path = bundled if bundled.is_file() else Path(name_or_path)
    content = _read_toml(path)
    if start_from:
        content["start_from"] = start_from
        locator = content.get("locator")
        if isinstance(locator, dict) and "copy_from" in locator:
            locator["copy_from"] = start_from
    segmenter = content.get("segmenter")
    if isinstance(segmenter, dict):
        if unlabelled:
            segmenter.setdefault("unlabelled", {})
        if epochs is not None:
            _change_length(segmenter.get("optimisation"), epochs, path)
        if content.get("start_from"):
            try:
                card = load_card(content["start_from"])
            except WeightsError as error:
                raise WeightsError(str(error) if start_from else f"{path}: start_from: {error}") from error
            _take_network(segmenter, card.segmenter)
    try:
        recipe = Recipe.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{path}: {problems_in_words(error, KINDS)}") from error
    if recipe.segmenter.unlabelled is not None and not recipe.start_from:
        raise UsageError(
            f"{path}: unlabelled frames are cut out by the locator of the weights that training starts from, "
            "and this recipe starts from none: name them with --from"
        )
    if problems := "; ".join(problems_of_network(recipe.segmenter)):
        raise SettingsError(f"{path}: {problems}")
    return recipe


def _take_network(segmenter: dict[str, Any], card: SegmenterCard) -> None:
    """Fill in what the recipe does not say from the weights that it starts from."""
    if "input_size" not in segmenter:
        segmenter["input_size"] = card.input_size
        segmenter.setdefault("second_size", card.second_size)
    if "network" not in segmenter:
        segmenter.setdefault("architecture", card.architecture)
        segmenter["network"] = card.config


def _change_length(optimisation: Any, epochs: int, path: Path) -> None:
    # A section that is missing or no table is named with what else is wrong, where the recipe is checked.
    if not isinstance(optimisation, dict):
        return
    if "steps" in optimisation:
        raise SettingsError(
            f"{path}: segmenter.optimisation.steps: length is not in epochs: --max-epochs cannot change it"
        )
    optimisation["epochs"] = epochs


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except OSError as error:
        choices = ", ".join(sorted(recipe.stem for recipe in recipes_folder().glob("*.toml")))
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}): give a recipe file, or one of {choices}"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error
