"""Writing a trained model's folder: both networks as safetensors, and the card with their hashes."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning
import tomli_w
import torch
from safetensors.torch import save_file
from torch import nn

from blastoseg import __version__
from blastoseg.files import replace_atomically
from blastoseg.model.card import (
    CARD_FILE,
    LOCATOR_FILE,
    SEGMENTER_FILE,
    Card,
    ListCard,
    LocatorCard,
    QuantisationCard,
    Score,
    SegmenterCard,
    TrainingCard,
    sha256_of,
)
from blastoseg.model.segmenter import Segmenter
from blastoseg.training.checkpoints import explain_failed_save
from blastoseg.training.metrics import Summary
from blastoseg.training.recipe import Job, Recipe

RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a card is made of: the recipe, the two networks, and how long they were trained.

    ``locator_card`` describes the locator; ``lists`` the labelled images, ``started_from`` the weights that
    the segmenter started from, both empty where there are none. ``name`` is the model's own;
    ``quantisation`` None where its values' ranges are not known.
    """

    name: str
    recipe: Recipe
    segmenter: nn.Module
    locator: nn.Module
    locator_card: LocatorCard
    steps: int
    images: int
    locator_images: int
    hours: float
    temperature: float = 1.0
    scores: dict[str, Score] = field(default_factory=dict)
    started_from: str = ""
    lists: dict[str, ListCard] = field(default_factory=dict)
    quantisation: QuantisationCard | None = None


def score_of(summary: Summary, note: str = "") -> Score:
    """A summary as it stands in a card, rounded to four digits."""

    def mean(values: Any) -> float:
        return round(float(values.mean()), 4)

    pooled, images = summary.pooled, summary.mean_of_images
    return Score(
        images=summary.images,
        jaccard={key: round(value, 4) for key, value in summary.jaccard_by_tissue().items()},
        jaccard_mean_pooled=mean(pooled.jaccard),
        jaccard_mean_of_images=mean(images.jaccard),
        dice_mean_pooled=mean(pooled.dice),
        dice_mean_of_images=mean(images.dice),
        accuracy_pooled=round(pooled.accuracy, 4),
        precision_mean_pooled=mean(pooled.precision),
        recall_mean_pooled=mean(pooled.recall),
        note=note,
    )


def export_model(model: TrainedModel, folder: Path) -> Card:
    """Write a model folder, the card last, each file whole or not at all. Returns the card.

    Raises TrainingError where the disk refuses.
    """
    with explain_failed_save(folder):
        folder.mkdir(parents=True, exist_ok=True)
    half = model.recipe.segmenter.stored == "float16"
    _save_tensors(model.segmenter, folder / SEGMENTER_FILE, half)
    _save_tensors(model.locator, folder / LOCATOR_FILE)
    if model.lists:
        _save_text(
            tomli_w.dumps(model.recipe.model_dump(mode="json", exclude_none=True)), folder / RECIPE_FILE
        )
    card = _card_of(model, {name: sha256_of(folder / name) for name in (SEGMENTER_FILE, LOCATOR_FILE)})
    card = card.model_copy(update={"folder": folder})
    card = card.model_copy(update={"reference": Segmenter(card, "cpu").reference_answer()})
    _save_text(tomli_w.dumps(card.model_dump(mode="json", exclude_none=True)), folder / CARD_FILE)
    return card


def _card_of(model: TrainedModel, files: dict[str, str]) -> Card:
    recipe = model.recipe
    return Card(
        name=model.name,
        version=recipe.version,
        description=recipe.description,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        pixel_size=recipe.pixel_size,
        limits=recipe.limits,
        segmenter=SegmenterCard(
            architecture=recipe.segmenter.architecture,
            input_size=recipe.segmenter.input_size,
            second_size=recipe.segmenter.second_size,
            normalisation="crop-mean-std",
            temperature=model.temperature,
            config=recipe.segmenter.network,
        ),
        locator=model.locator_card,
        training=TrainingCard(
            data=recipe.data_description,
            recipe=recipe.name,
            images=model.images,
            steps=model.steps,
            hours=round(model.hours, 2),
            locator_images=model.locator_images,
            started_from=model.started_from,
            recipe_sha256=recipe.digest(),
            lists=model.lists,
            software={
                "blastoseg": __version__,
                "torch": torch.__version__,
                "lightning": lightning.__version__,
            },
        ),
        scores=model.scores,
        files=files,
        quantisation=model.quantisation,
    )


def locator_card(job: Job) -> LocatorCard:
    """What a card says of a locator trained by a job."""
    return LocatorCard(
        architecture=job.architecture,
        config=job.network,
        input_size=job.input_size,
        normalisation="crop-mean-std",
        threshold=0.5,
    )


def _save_text(text: str, path: Path) -> None:
    with explain_failed_save(path), replace_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _save_tensors(network: nn.Module, path: Path, half: bool = False) -> None:
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if half:
        # Biases and the statistics of a BatchNorm are few, and a small variance would be lost.
        tensors = {name: value.half() if value.ndim > 1 else value for name, value in tensors.items()}
    with explain_failed_save(path), replace_atomically(path) as temporary:
        save_file(tensors, temporary)
