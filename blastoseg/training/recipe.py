"""Recipes: TOML files that say completely how a model is made. An unknown key is an error."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from blastoseg.errors import SettingsError
from blastoseg.model.card import load_card


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SyntheticData(_Section):
    """Images drawn by the simulator. Drawing number i depends on ``seed`` and i only.

    Each drawing is used about ``reuse`` times, under other augmentations: between new ones, drawings come
    at random from ``pool`` earlier ones. ``preset`` names the optics. ``scene`` "crop" draws what a crop
    around an embryo shows, "field" a whole frame; with "mixed", the share ``field_share`` are whole frames.
    ``extra_kinds`` maps kinds of embryo to shares of the drawings, the rest are the simulator's mixture.
    """

    kind: Literal["synthetic"] = "synthetic"
    seed: int = Field(ge=0)
    fill: tuple[float, float]
    scene: Literal["crop", "field", "mixed"] = "crop"
    field_share: float = Field(default=0.5, ge=0, le=1)
    extra_kinds: dict[str, float] = {}
    preset: str = "mixed"
    reuse: int = Field(default=1, ge=1)
    pool: int = Field(default=256, ge=1)
    validation_images: int = Field(default=64, ge=1)

    @field_validator("extra_kinds")
    @classmethod
    def _leaves_room(cls, shares: dict[str, float]) -> dict[str, float]:
        if min(shares.values(), default=0) < 0 or sum(shares.values()) > 1:
            raise ValueError("shares must be positive and sum to at most 1")
        return shares


class LabelledData(_Section):
    """A lab's own labelled images; where they lie is said on the command line.

    The data's lists (``blastoseg data split``) are used where it has some; else ``seed`` and the shares
    ``test`` (of all) and ``val`` (of the rest) make them. ``seed`` also orders the images and augments them.
    """

    kind: Literal["labelled"]
    seed: int = Field(default=0, ge=0)
    test: float = Field(default=0.2, gt=0, lt=1)
    val: float = Field(default=0.1, gt=0, lt=1)


def _kind(data: Any) -> Any:
    return data.get("kind", "synthetic") if isinstance(data, dict) else data.kind


Data = Annotated[
    Annotated[SyntheticData, Tag("synthetic")] | Annotated[LabelledData, Tag("labelled")],
    Discriminator(_kind),
]
"""Where a network's samples come from, told by ``kind``; without it they are drawn."""


class Augmentation(_Section):
    """Strengths of the augmentations; 0 switches one off. Mirrors are always on.

    ``zoom`` 0.1 scales by 0.9 to 1/0.9, ``scale`` by a factor between two; ``random_crop`` then puts the
    window anywhere on the scaled picture (or the smaller picture anywhere in the window).
    """

    quarter_turns: bool = True
    zoom: float = Field(default=0.0, ge=0, lt=0.9)
    scale: tuple[float, float] | None = None
    random_crop: bool = False
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    shift: float = Field(default=0.0, ge=0, lt=0.5)
    gamma: float = Field(default=0.0, ge=0, lt=1)
    blur_px: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    gradient: float = Field(default=0.0, ge=0)
    coarsen: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _scales_in_one_way(self) -> Self:
        if self.scale is not None and (self.zoom or not 0 < self.scale[0] <= self.scale[1]):
            raise ValueError("scale must be two positive factors, the smaller first, and excludes zoom")
        return self


class LossTerms(_Section):
    """Weights of the loss: of each level (finest first), of each class (inside-out), of the soft Dice term.

    Without level and class weights and with ``dice`` 0 it is the paper's loss.
    """

    level_weights: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    dice: float = Field(default=0.0, ge=0)


class Optimisation(_Section):
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
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
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


class Job(_Section):
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
        if self.optimisation.epochs is not None and isinstance(self.data, SyntheticData):
            raise ValueError("drawings never end: give steps, not epochs")
        return self

    def lasting(self, steps: int) -> "Job":
        """The same job with its length in steps."""
        return self.model_copy(
            update={"optimisation": self.optimisation.model_copy(update={"steps": steps, "epochs": None})}
        )


class CopiedLocator(_Section):
    """The locator of other weights, as it is: labelled crops cannot teach what else lies in a frame."""

    copy_from: str


class Recipe(_Section):
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
    def needs_labelled_data(self) -> bool:
        """Whether a labelled data set must be given."""
        jobs = [job for job in (self.segmenter, self.locator) if isinstance(job, Job)]
        return any(isinstance(job.data, LabelledData) for job in jobs)

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
