"""Models on disk: a folder with ``weights.safetensors``, ``locator.safetensors`` and ``card.toml``.

The card says what a model is, how its inputs are prepared, what it was trained on, how good it is and what
it cannot do; it carries the SHA-256 of every file. Nothing is downloaded and no pickle is ever loaded.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blastoseg.errors import WeightsError
from blastoseg.tissues import INSIDE_OUT

if TYPE_CHECKING:
    from torch import Tensor, nn

    from blastoseg.network import I2CNet, Locator

Network = TypeVar("Network", bound="nn.Module")

CARD_FILE = "card.toml"
SEGMENTER_FILE = "weights.safetensors"
LOCATOR_FILE = "locator.safetensors"
CLASSES = tuple(tissue.key for tissue in INSIDE_OUT)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SegmenterCard(_Part):
    """The segmenting network: architecture, the side of its square input, how a crop is prepared.

    ``second_size`` is another side it was trained at, if any; averaging over mirrorings uses both.
    The logits are divided by ``temperature`` before the softmax, so that probabilities mean what they say.
    """

    architecture: Literal["i2cnet"]
    input_size: int = Field(gt=0, multiple_of=32)
    second_size: int | None = Field(default=None, gt=0, multiple_of=32)
    classes: tuple[str, ...] = CLASSES
    normalisation: Literal["crop-mean-std"]
    temperature: float = Field(default=1.0, gt=0)
    config: dict[str, Any]


class LocatorCard(_Part):
    """The locating network. ``outputs`` names its channels; ``threshold`` turns probability into mask."""

    architecture: Literal["unet"]
    input_size: int = Field(gt=0, multiple_of=16)
    outputs: tuple[str, ...]
    normalisation: Literal["crop-mean-std"]
    threshold: float = Field(gt=0, lt=1)
    widths: tuple[int, ...]


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
    hours: float = Field(ge=0)
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


class Card(_Part):
    """A model's card. ``folder`` is where it was read; ``files`` maps file name to SHA-256."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
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
    folder: Path = Field(default=Path(), exclude=True)

    def path_of(self, file_name: str) -> Path:
        """Where a file of this model lies."""
        return self.folder / file_name

    @property
    def sha256(self) -> str:
        """The SHA-256 of the segmenter's weights: what identifies this model in a report."""
        return self.files[SEGMENTER_FILE]


def weights_folder() -> Path:
    """The folder that holds the bundled models: inside an installed package, or of the checkout."""
    package = Path(__file__).resolve().parent
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
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path}: is missing: a model folder holds {CARD_FILE}, {SEGMENTER_FILE} and {LOCATOR_FILE}; "
            "copy the whole folder again"
        ) from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: is not valid TOML ({error}): copy the model folder again") from error
    try:
        card = Card.model_validate({**content, "folder": folder})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
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


def verify_weights(name_or_path: str | Path) -> list[str]:
    """Check a model from card to tensors; returns the problems in words, none if all is well.

    Loads both networks, so that a file that has the right hash but not the right shapes is found too.
    """
    try:
        card = load_card(name_or_path)
    except WeightsError as error:
        return [str(error)]
    problems = []
    for load in (load_network, load_locator):
        try:
            load(card)
        except WeightsError as error:
            problems.append(str(error))
    return problems


def load_network(card: Card) -> "I2CNet":
    """The segmenting network with its weights, in eval mode on the CPU.

    Raises WeightsError naming the file that is missing, altered, truncated or does not fit the card.
    """
    from blastoseg.network import I2CNet, I2CNetConfig  # noqa: PLC0415  torch loads only when it is needed

    path = card.path_of(CARD_FILE)
    try:
        config = I2CNetConfig(classes=len(CLASSES), **card.segmenter.config)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{path}: segmenter.config does not describe an I2CNet: {error}") from error
    return _filled(I2CNet(config), card, SEGMENTER_FILE)


def load_locator(card: Card) -> "Locator":
    """The locating network with its weights, in eval mode on the CPU. Raises WeightsError as above."""
    from blastoseg.network import Locator, LocatorConfig  # noqa: PLC0415

    config = LocatorConfig(widths=card.locator.widths, outputs=len(card.locator.outputs))
    return _filled(Locator(config), card, LOCATOR_FILE)


def _filled(network: "Network", card: Card, file_name: str) -> "Network":
    path = card.path_of(file_name)
    tensors = _verified_tensors(path, card.files.get(file_name))
    expected = network.state_dict()
    wrong = [name for name in expected if name not in tensors or tensors[name].shape != expected[name].shape]
    surplus = sorted(set(tensors) - set(expected))
    if wrong or surplus:
        names = ", ".join((wrong + surplus)[:3])
        raise WeightsError(
            f"{path}: {len(wrong) + len(surplus)} tensors do not fit the network in {CARD_FILE} ({names}): "
            "card and weights belong to different models; copy the model folder again"
        )
    network.load_state_dict(tensors)
    return network.eval()


def _verified_tensors(path: Path, expected_hash: str | None) -> "dict[str, Tensor]":
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    again = "copy the model folder again, or install blastoseg anew"
    if expected_hash is None:
        raise WeightsError(f"{path}: has no SHA-256 in {CARD_FILE}: {again}")
    try:
        if sha256_of(path) != expected_hash:
            raise WeightsError(f"{path}: is damaged or was altered (SHA-256 differs from the card): {again}")
        return load_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: is missing: {again}") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
    except SafetensorError as error:
        raise WeightsError(f"{path}: is no safetensors file or is cut short ({error}): {again}") from error
