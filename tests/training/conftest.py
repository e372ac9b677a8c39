"""A small labelled data set, and recipes that train a tiny network on it in a moment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

SIDE = 96


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several cores, and much slower where others work on these."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def draw_phantom(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A gray picture of nested discs, and its labels: enough to learn from, quick to draw."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    centre = tuple(int(value) for value in rng.integers(42, 54, 2))
    for radius, value in ((34, 4), (28, 3), (23, 2)):
        cv2.circle(labels, centre, radius, value, -1)
    cv2.circle(labels, (centre[0] + 11, centre[1]), 9, 1, -1)
    gray = np.array([120, 60, 150, 90, 200])[labels] + rng.normal(0, 8, labels.shape)
    return gray.clip(0, 255).astype(np.uint8), labels


def write_labelled(folder: Path, count: int = 8, hidden: tuple[int, ...] = ()) -> Path:
    """``images/`` and ``masks/`` of so many embryos; label values in ``hidden`` become background."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for seed in range(count):
        image, labels = draw_phantom(seed)
        labels[np.isin(labels, hidden)] = 0
        cv2.imwrite(str(folder / "images" / f"e{seed}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"e{seed}.png"), labels)
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_labelled(tmp_path / "lab")


def labelled_recipe(locator_from: Path | str, **optimisation: Any) -> dict[str, Any]:
    """A recipe's content: the paper's loss, a network of 5 channels."""
    return {
        "name": "tiny",
        "version": "1",
        "description": "for tests",
        "pixel_size": "any",
        "limits": ["for tests"],
        "data_description": "phantoms",
        "seed": 3,
        "segmenter": {
            "input_size": 64,
            "network": {"base_channels": 5, "levels": 3, "features_before_pool": True, "logit_relu": False},
            "data": {"kind": "labelled", "seed": 1, "test": 0.25, "val": 0.2},
            "augmentation": {"zoom": 0.1, "noise": 0.1, "rotation_deg": 10},
            "optimisation": {
                "optimiser": "adam",
                "learning_rate": 1e-3,
                "weight_decay": 0.0,
                "schedule": "poly",
                "batch_size": 2,
                "epochs": 2,
                **optimisation,
            },
        },
        "locator": {"copy_from": str(locator_from)},
    }
