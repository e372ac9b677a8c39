"""A model's answer to one crop that is the same everywhere: what tells a dead model from a quiet night.

The crop is computed, so that no picture has to travel with a model. Its answer is written into the card when
a model is exported, and held against what the model says when it is loaded. For a model that was exported
before there was such an answer: ``python -m blastoseg.model.reference FOLDER``.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blastoseg.errors import WeightsError
from blastoseg.model.card import CARD_FILE, CLASSES, Card, ReferenceCard, append_to_card, load_card
from blastoseg.model.loading import AGAIN

TOLERANCE = 0.02
"""Of a mean probability. bfloat16 on a GPU moves it by less than 0.01."""
LEAST_SPREAD = 1e-4
"""Between the largest and the smallest probability that a tissue has anywhere in the crop."""


def reference_crop(side: int) -> NDArray[np.float32]:
    """A blastocyst as a formula, ``(side, side)``: a shell, a wall, a cavity, a granular mass of cells."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    radius, turn = np.hypot(y, x), np.arctan2(y, x)
    grains = np.sin(70 * x + 9 * np.sin(31 * y)) * np.sin(64 * y + 7 * np.sin(23 * x))
    mass = np.hypot((y - 0.17) / 0.14, (x + 0.08) / 0.17)
    gray = 150 - 25 * np.clip((0.43 - radius) / 0.05, 0, 1)
    gray -= _ring(radius, 0.40, 0.008, 35) + _ring(radius, 0.35, 0.008, 35)
    gray -= _ring(radius, 0.33 + 0.006 * np.sin(14 * turn), 0.014, 40)
    gray += np.where((radius > 0.30) & (radius < 0.34), 12 * grains, 0)
    gray += np.where(mass < 1, (1 - mass**4) * (22 * grains - 30), 0)
    crop: NDArray[np.float32] = gray.astype(np.float32)
    return crop


def _ring(radius: NDArray[Any], middle: Any, width: float, depth: float) -> NDArray[Any]:
    ring: NDArray[Any] = depth * np.exp(-(((radius - middle) / width) ** 2))
    return ring


def summarise(tissues: NDArray[np.float32], embryo: NDArray[np.float32], where: Path) -> ReferenceCard:
    """The answer in few numbers, from probabilities ``(5, y, x)`` and ``(y, x)``.

    Raises WeightsError where it is no answer at all: not finite, or the same for every pixel.
    """
    for name, answer in (("segmenter", tissues), ("locator", embryo[None])):
        if not np.isfinite(answer).all():
            raise WeightsError(f"{where}: the {name} answers with what is no number (NaN): {AGAIN}")
        spread = (answer.max(axis=(1, 2)) - answer.min(axis=(1, 2))).max()
        if spread < LEAST_SPREAD:
            raise WeightsError(f"{where}: the {name} gives every pixel the same answer, it is dead: {AGAIN}")
    means = (round(float(mean), 4) for mean in tissues.mean(axis=(1, 2)))
    return ReferenceCard(
        tissues=dict(zip(CLASSES, means, strict=True)), embryo=round(float(embryo.mean()), 4)
    )


def check_reference(found: ReferenceCard, card: Card) -> None:
    """WeightsError where a model answers otherwise than when it was exported. A card may hold no answer."""
    if card.reference is None:
        return
    expected = card.reference.tissues | {"embryo": card.reference.embryo}
    answered = found.tissues | {"embryo": found.embryo}
    off = max(expected, key=lambda name: abs(answered[name] - expected[name]))
    if abs(answered[off] - expected[off]) > TOLERANCE:
        raise WeightsError(
            f"{card.folder}: answers otherwise than when it was exported (mean probability of {off} in the "
            f"reference crop {answered[off]:.3f}, in {CARD_FILE} {expected[off]:.3f}): {AGAIN}"
        )


def card_text(reference: ReferenceCard) -> str:
    """The answer as a card holds it."""
    tissues = ", ".join(f"{name} = {value}" for name, value in reference.tissues.items())
    return f"\n[reference]\nembryo = {reference.embryo}\ntissues = {{ {tissues} }}\n"


def write_reference(folder: Path) -> None:
    """Append the answer to the card of a model that has none."""
    from blastoseg.model.segmenter import Segmenter  # noqa: PLC0415  torch loads here

    card = load_card(folder)
    if card.reference is not None:
        raise WeightsError(
            f"{folder / CARD_FILE}: has the answer already: take [reference] out to have it anew"
        )
    append_to_card(card, card_text(Segmenter(card, "cpu").reference_answer()))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_reference(Path(name))
