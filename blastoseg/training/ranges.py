"""The ranges of a network's values that 8-bit integers need, read off crops when a model is written.

For a model that was written before there were any, or without ONNX Runtime at hand, off synthetic crops:
``python -m blastoseg.training.ranges FOLDER``.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tomli_w
import torch
from numpy.typing import NDArray

from blastoseg.errors import EnvironmentProblemError, WeightsError
from blastoseg.model.architectures.contract import bring_to_size
from blastoseg.model.card import CARD_FILE, Card, QuantisationCard, append_to_card, load_card
from blastoseg.model.engine import missing_libraries
from blastoseg.model.loading import load_network
from blastoseg.model.onnx_network import graph_of, session_of
from blastoseg.model.quantisation import ConvRange, convolutions
from blastoseg.model.standardisation import standardise
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.synthetic import synthetic_sample

SYNTHETIC = SyntheticData(
    seed=8,
    scene="mixed",
    field_share=0.2,
    fill=(0.62, 0.92),
    extra_kinds={"cleavage": 0.1, "hatching": 0.1},
    extra_presets={"clinic": 0.25, "embryoscope": 0.25, "hoffman": 0.15},
)
CROPS = 32
"""Synthetic ones; and so many of each labelled source."""
OUTSIDE = 3e-4
"""Share of the values of one crop that may lie below a range, and above it: they are cut off. At a third
of it optics not trained on come out otherwise than in numbers more often, at three times it all do."""
SAMPLED = 7
"""Of so many values one is looked at."""

FloatArray = NDArray[np.float32]


def quantisation_of(card: Card, crops: Iterable[NDArray[np.generic]]) -> QuantisationCard:
    """The ranges over synthetic crops and ``crops``, gray images ``(y, x)`` of the segmenter's input size.

    Raises EnvironmentProblemError where ONNX Runtime is missing, UsageError where the network is no graph.
    """
    if missing := missing_libraries():
        raise EnvironmentProblemError(f"{', '.join(missing)} missing: pip install 'blastoseg[onnx]'")
    side, network = card.segmenter.input_size, card.segmenter.configuration.prepare(load_network(card))
    drawn = [synthetic_sample(SYNTHETIC, side, "tissues", number).image for number in range(CROPS)]
    images = torch.from_numpy(np.stack([standardise(crop) for crop in (*drawn, *crops)]))[:, None]
    found: list[ConvRange] = []
    for size in {side, card.segmenter.second_size or side}:
        sized = bring_to_size(images, size, size, antialias=True)
        seen = conv_ranges(graph_of(network, size), sized[:, None].numpy())
        found = [one.joined(other) for one, other in zip(found or seen, seen, strict=True)]
    return QuantisationCard(ranges=tuple(one.rounded() for one in found), crops=len(images))


def conv_ranges(graph: bytes, images: FloatArray) -> list[ConvRange]:
    """The ranges of a graph's convolutions over images ``(N, 1, 1, side, side)``, in the graph's order."""
    import onnx  # noqa: PLC0415  an extra

    model = onnx.load_from_string(graph)
    pairs = [(conv.input[0], conv.output[0]) for conv in convolutions(model)]
    (given,) = (value.name for value in model.graph.input)
    asked = [name for name in dict.fromkeys(name for pair in pairs for name in pair) if name != given]
    answered = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in asked if name not in answered)
    session = session_of(model.SerializeToString(), torch.get_num_threads())
    found: list[ConvRange] = []
    for image in images:
        values = dict(zip(asked, session.run(asked, {given: image}), strict=True)) | {given: image}
        ends = {name: _ends(value) for name, value in values.items()}
        seen = [ConvRange(*ends[before], *ends[after]) for before, after in pairs]
        found = [one.joined(other) for one, other in zip(found or seen, seen, strict=True)]
    return found


def _ends(values: FloatArray) -> tuple[float, float]:
    sample = values.ravel()[::SAMPLED]
    cut = round(OUTSIDE * sample.size)
    parted = np.partition(sample, [cut, sample.size - 1 - cut])
    return float(parted[cut]), float(parted[sample.size - 1 - cut])


def card_text(quantisation: QuantisationCard) -> str:
    """The ranges as a card holds them."""
    return "\n" + tomli_w.dumps({"quantisation": quantisation.model_dump(mode="json")})


def write_ranges(folder: Path) -> None:
    """Append the ranges to the card of a model that has none."""
    card = load_card(folder)
    if card.has_ranges:
        raise WeightsError(
            f"{card.folder / CARD_FILE}: has ranges already: take [quantisation] out to have them anew"
        )
    append_to_card(card, card_text(quantisation_of(card, ())))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_ranges(Path(name))
