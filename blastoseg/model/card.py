"""A model's card. A model is a folder: ``weights.safetensors``, ``locator.safetensors`` and ``card.toml``.

The card says what a model is, how its inputs are prepared, what it was trained on, how good it is and what
it cannot do; it carries the SHA-256 of every file. Nothing is downloaded and no pickle is ever loaded.
"""

import hashlib
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from blastoseg.errors import WeightsError
from blastoseg.files import read_toml, replace_atomically
from blastoseg.model.architectures.configuration import (
    LocatorConfiguration,
    SegmenterConfiguration,
    problems_in_words,
)
from blastoseg.model.architectures.registry import LOCATORS, SEGMENTERS
from blastoseg.model.described import DescribedNetwork
from blastoseg.model.quantisation import ConvRange
from blastoseg.tissues import INSIDE_OUT

CARD_FILE = "card.toml"
SEGMENTER_FILE = "weights.safetensors"
LOCATOR_FILE = "locator.safetensors"
CLASSES = tuple(tissue.key for tissue in INSIDE_OUT)
LOCATOR_OUTPUTS: tuple[Literal["main"], Literal["other"]] = ("main", "other")
MODEL_NAME = r"^[a-z0-9][a-z0-9._-]*$"


TEMPERATURES = (0.05, 20.0)
"""Outside, every pixel would be certain, or none more than a guess."""
THRESHOLDS = (0.01, 0.99)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SegmenterCard(DescribedNetwork):
    """The segmenter: architecture, the side of its square input, how a crop is prepared.

    ``second_size`` is another side it was trained at, if any; test-time augmentation uses both.
    The logits are divided by ``temperature`` before the softmax, so that probabilities mean what they say.
    """

    registry = SEGMENTERS

    architecture: str
    config: dict[str, Any]
    input_size: int
    second_size: int | None = None
    classes: tuple[str, ...] = CLASSES
    normalisation: Literal["crop-mean-std"]
    temperature: float = Field(default=1.0, ge=TEMPERATURES[0], le=TEMPERATURES[1])

    @property
    def configuration(self) -> SegmenterConfiguration:
        """The description of the network."""
        return SEGMENTERS.configure(self.architecture, self.config)


class LocatorCard(DescribedNetwork):
    """The locator. ``outputs`` names its channels; ``threshold`` turns probability into mask."""

    registry = LOCATORS

    architecture: str
    config: dict[str, Any]
    input_size: int
    outputs: tuple[Literal["main"], Literal["other"]] = LOCATOR_OUTPUTS
    normalisation: Literal["crop-mean-std"]
    threshold: float = Field(ge=THRESHOLDS[0], le=THRESHOLDS[1])

    @model_validator(mode="before")
    @classmethod
    def _widths_are_configuration(cls, content: Any) -> Any:
        """Cards were written with the widths beside the other keys while there was one locator only."""
        if isinstance(content, dict) and "widths" in content and "config" not in content:
            content = dict(content)
            content["config"] = {"widths": content.pop("widths")}
        return content

    @property
    def configuration(self) -> LocatorConfiguration:
        """The description of the network."""
        return LOCATORS.configure(self.architecture, self.config)


class ListCard(_Part):
    """One list of labelled images: how many, of how many embryos or patients, and a hash of them all."""

    images: int = Field(ge=0)
    groups: int = Field(ge=0)
    sha256: str


class TrainingCard(_Part):
    """What the model was trained on, and with what. ``started_from`` names the weights it goes back to."""

    data: str
    recipe: str
    images: int = Field(ge=0)
    steps: int = Field(ge=0)
    hours: float = Field(ge=0, allow_inf_nan=False)
    software: dict[str, str]
    locator_images: int = Field(default=0, ge=0)
    started_from: str = ""
    recipe_sha256: str = ""
    lists: dict[str, ListCard] = {}


class Score(_Part):
    """Scores of one test set, fractions: per tissue and class means, pooled counts and means over images."""

    images: int
    jaccard: dict[str, float]
    jaccard_mean_pooled: float
    jaccard_mean_of_images: float
    dice_mean_pooled: float
    dice_mean_of_images: float
    accuracy_pooled: float
    precision_mean_pooled: float
    recall_mean_pooled: float
    calibration_error: float | None = None
    note: str = ""


class ReferenceCard(_Part):
    """The answer to the reference crop: mean probability of each tissue, and of an embryo by the locator."""

    tissues: dict[str, float]
    embryo: float = Field(ge=0, le=1)

    @field_validator("tissues")
    @classmethod
    def _is_a_share_of_each_tissue(cls, tissues: dict[str, float]) -> dict[str, float]:
        if set(tissues) != set(CLASSES) or not all(0 <= value <= 1 for value in tissues.values()):
            raise ValueError(f"one number from 0 to 1 is needed for each of {', '.join(CLASSES)}")
        return tissues


class QuantisationCard(_Part):
    """What 8-bit integers need: the ranges of every convolution's values, in the order of the ONNX graph.

    They were read off so many ``crops``, at each size that the segmenter was trained at.
    """

    ranges: tuple[ConvRange, ...] = Field(min_length=1)
    crops: int = Field(ge=1)

    @field_validator("ranges")
    @classmethod
    def _are_ranges(cls, ranges: tuple[ConvRange, ...]) -> tuple[ConvRange, ...]:
        for one in ranges:
            if not all(map(math.isfinite, one)) or one.in_low > one.in_high or one.out_low > one.out_high:
                raise ValueError(f"{list(one)}: must be finite, the lower end before the upper")
        return ranges


class Card(_Part):
    """A model's card. ``folder`` is where it was read; ``files`` maps file name to SHA-256.

    ``reference`` is None in cards written before there was such an answer, ``quantisation`` where it was
    written without ONNX Runtime at hand.
    """

    name: str = Field(pattern=MODEL_NAME)
    version: str
    description: str
    created: str
    pixel_size: str
    limits: tuple[str, ...]
    segmenter: SegmenterCard
    locator: LocatorCard
    training: TrainingCard
    scores: dict[str, Score] = {}
    files: dict[str, str]
    reference: ReferenceCard | None = None
    quantisation: QuantisationCard | None = None
    folder: Path = Field(default=Path(), exclude=True)

    def path_of(self, file_name: str) -> Path:
        """Where a file of this model lies."""
        return self.folder / file_name

    @property
    def sha256(self) -> str:
        """The SHA-256 of the segmenter's weights: what identifies this model in a report."""
        return self.files[SEGMENTER_FILE]

    @property
    def has_ranges(self) -> bool:
        """Whether the card holds what 8-bit integers need."""
        return self.quantisation is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that a result can depend on: the files, and how the networks are used."""
        parts = [
            *sorted(self.files.values()),
            self.segmenter.model_dump_json(),
            self.locator.model_dump_json(),
            *([self.quantisation.model_dump_json()] if self.quantisation else []),
        ]
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def append_to_card(card: Card, text: str) -> None:
    """Add a section to the file of a card, whole or not at all."""
    path = card.folder / CARD_FILE
    written = path.read_text(encoding="utf-8") + text
    with replace_atomically(path) as temporary:
        temporary.write_text(written, encoding="utf-8")


def weights_folder() -> Path:
    """The folder that holds the bundled models: inside an installed package, or of the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "bundled_weights"
    return installed if installed.is_dir() else package.parent / "weights"


def available_weights() -> list[str]:
    """The names of the bundled models, sorted."""
    return sorted(card.parent.name for card in weights_folder().glob(f"*/{CARD_FILE}"))


def load_card(name_or_path: str | Path) -> Card:
    """The card of a bundled model by name, or of a model folder by path.

    Raises WeightsError for an unknown name (with the choices) and for a card that is missing or damaged.
    """
    folder = _find_folder(name_or_path)
    path = folder / CARD_FILE
    try:
        content = read_toml(path)
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path}: is missing: a model folder holds {CARD_FILE}, {SEGMENTER_FILE} and {LOCATOR_FILE}; "
            "copy the whole folder again"
        ) from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
    except ValueError as error:
        raise WeightsError(f"{path}: is not valid TOML ({error}): copy the model folder again") from error
    try:
        card = Card.model_validate({**content, "folder": folder})
    except ValidationError as error:
        problems = problems_in_words(error)
        raise WeightsError(f"{path}: is no card this version can read: {problems}") from error
    if card.segmenter.classes != CLASSES:
        raise WeightsError(f"{path}: classes must be {', '.join(CLASSES)} in this order: retrain with them")
    return card


def _find_folder(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    bundled = weights_folder() / path
    if len(path.parts) == 1 and (bundled / CARD_FILE).is_file():
        return bundled
    if path.is_dir():
        return path.resolve()
    if path.is_file():
        raise WeightsError(f"{path}: is a file: give the model folder that holds it")
    choices = ", ".join(available_weights()) or "none is bundled"
    raise WeightsError(
        f"unknown weights {str(name_or_path)!r}: choose one of {choices}, or give a model folder"
    )


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
