"""Recipes: TOML files that say completely how a model is made. An unknown key is an error."""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from blastoseg.errors import SettingsError


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


class Augmentation(_Section):
    """Strengths of the augmentations; 0 switches one off. Mirrors and quarter turns are always on."""

    zoom: float = Field(default=0.0, ge=0, lt=0.9)
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    shift: float = Field(default=0.0, ge=0, lt=0.5)
    gamma: float = Field(default=0.0, ge=0, lt=1)
    blur_px: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    gradient: float = Field(default=0.0, ge=0)
    coarsen: float = Field(default=0.0, ge=0, le=1)


class LossTerms(_Section):
    """Weights of the loss: of each level (finest first), of each class (inside-out), of the soft Dice term.

    Without level and class weights and with ``dice`` 0 it is the paper's loss.
    """

    level_weights: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    dice: float = Field(default=0.0, ge=0)


class Optimisation(_Section):
    """How the weights are found. ``max_minutes`` ends a run earlier, with the whole schedule in that time."""

    optimiser: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    schedule: Literal["poly", "cosine"]
    warmup_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(ge=1)
    steps: int = Field(ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    gradient_clip: float = Field(default=0.0, ge=0)
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    workers: int = Field(default=0, ge=0)


class Job(_Section):
    """One network's training."""

    input_size: int = Field(gt=0, multiple_of=16)
    network: dict[str, Any]
    data: SyntheticData
    augmentation: Augmentation = Augmentation()
    loss: LossTerms = LossTerms()
    optimisation: Optimisation


class Recipe(_Section):
    """A whole model: the segmenter and the locator, with what the card says about them."""

    name: str
    version: str
    description: str
    pixel_size: str
    limits: tuple[str, ...]
    data_description: str
    seed: int
    segmenter: Job
    locator: Job


def recipes_folder() -> Path:
    """The folder with the bundled recipes: inside an installed package, or of the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundled_recipes"
    return installed if installed.is_dir() else package.parent / "train"


def load_recipe(name_or_path: str | Path) -> Recipe:
    """A bundled recipe by name, or a recipe file by path.

    Raises SettingsError naming the file and the key that is wrong, or the choices for an unknown name.
    """
    bundled = recipes_folder() / f"{name_or_path}.toml"
    path = bundled if bundled.is_file() else Path(name_or_path)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        choices = ", ".join(sorted(recipe.stem for recipe in recipes_folder().glob("*.toml")))
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}): give a recipe file, or one of {choices}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"{path}: {problems}") from error
