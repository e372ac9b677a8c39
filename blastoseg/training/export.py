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
from blastoseg.journal import replace_atomically
from blastoseg.training.metrics import Summary
from blastoseg.training.recipe import Recipe
from blastoseg.weights import (
    CARD_FILE,
    LOCATOR_FILE,
    SEGMENTER_FILE,
    Card,
    LocatorCard,
    Score,
    SegmenterCard,
    TrainingCard,
    sha256_of,
)

LOCATOR_OUTPUTS = ("main", "other")


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a card is made of: the recipe, the two networks, and how long they were trained."""

    recipe: Recipe
    segmenter: nn.Module
    locator: nn.Module
    steps: int
    images: int
    locator_images: int
    hours: float
    temperature: float = 1.0
    scores: dict[str, Score] = field(default_factory=dict)


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
    """Write a model folder, the card last, each file whole or not at all. Returns the card."""
    folder.mkdir(parents=True, exist_ok=True)
    _save_tensors(model.segmenter, folder / SEGMENTER_FILE)
    _save_tensors(model.locator, folder / LOCATOR_FILE)
    card = _card_of(model, {name: sha256_of(folder / name) for name in (SEGMENTER_FILE, LOCATOR_FILE)})
    with replace_atomically(folder / CARD_FILE) as temporary:
        temporary.write_text(tomli_w.dumps(card.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    return card.model_copy(update={"folder": folder})


def _card_of(model: TrainedModel, files: dict[str, str]) -> Card:
    recipe = model.recipe
    return Card(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        pixel_size=recipe.pixel_size,
        limits=recipe.limits,
        segmenter=SegmenterCard(
            architecture="i2cnet",
            input_size=recipe.segmenter.input_size,
            normalisation="crop-mean-std",
            temperature=model.temperature,
            config=recipe.segmenter.network,
        ),
        locator=LocatorCard(
            architecture="unet",
            input_size=recipe.locator.input_size,
            outputs=LOCATOR_OUTPUTS,
            normalisation="crop-mean-std",
            threshold=0.5,
            widths=tuple(recipe.locator.network["widths"]),
        ),
        training=TrainingCard(
            data=recipe.data_description,
            recipe=recipe.name,
            images=model.images,
            steps=model.steps,
            hours=round(model.hours, 2),
            locator_images=model.locator_images,
            software={
                "blastoseg": __version__,
                "torch": torch.__version__,
                "lightning": lightning.__version__,
            },
        ),
        scores=model.scores,
        files=files,
    )


def _save_tensors(network: nn.Module, path: Path) -> None:
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with replace_atomically(path) as temporary:
        save_file(tensors, temporary)
