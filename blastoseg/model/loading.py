"""Networks from a model's folder, their files held against the card's SHA-256; no pickle is ever loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from blastoseg.errors import WeightsError
from blastoseg.model.card import CARD_FILE, LOCATOR_FILE, SEGMENTER_FILE, Card, load_card, sha256_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from blastoseg.model.architectures.contract import SegmentingNetwork

Network = TypeVar("Network", bound="nn.Module")

LARGEST_WEIGHT = 1e6
"""Trained networks stay below 100."""
AGAIN = "copy the model folder again, or install blastoseg anew"


def verify_weights(name_or_path: str | Path) -> list[str]:
    """Check a model from card to tensors; returns the problems in words, none if all is well.

    Loads both networks and asks them for their answer to the reference crop, so that a file that has the
    right hash but not the right content is found too.
    """
    from blastoseg.model.segmenter import Segmenter  # noqa: PLC0415  torch loads here

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
    if not problems:
        try:
            Segmenter(card, "cpu")
        except WeightsError as error:
            problems.append(str(error))
    return problems


def check_files(card: Card) -> None:
    """Hold both files of weights against the card, loading neither. Raises WeightsError as below."""
    for name in (SEGMENTER_FILE, LOCATOR_FILE):
        _check_file(card.path_of(name), card.files.get(name))


def load_network(card: Card) -> "SegmentingNetwork":
    """The segmenter with its weights, in eval mode on the CPU.

    Raises WeightsError naming the file that is missing, altered, truncated or does not fit the card, and
    EnvironmentProblemError where the network needs a library that is not installed.
    """
    return _filled(card.segmenter.configuration.build(), card, SEGMENTER_FILE)


def load_locator(card: Card) -> "nn.Module":
    """The locator with its weights, in eval mode on the CPU. Raises as above."""
    return _filled(card.locator.configuration.build(), card, LOCATOR_FILE)


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
    for name, tensor in tensors.items():
        if problem := _problem_of(tensor, expected[name]):
            raise WeightsError(f"{path}: {name} {problem}: the model is broken; {AGAIN}")
    if not any(tensor.any() for tensor in tensors.values() if tensor.ndim > 1):
        raise WeightsError(f"{path}: every weight is zero: the model is broken; {AGAIN}")
    network.load_state_dict(tensors)
    return network.eval()


def _problem_of(tensor: "Tensor", expected: "Tensor") -> str:
    """What makes a tensor no weights, continuing a sentence; empty where all is well."""
    if tensor.is_floating_point() != expected.is_floating_point():
        return f"is of type {str(tensor.dtype).removeprefix('torch.')}"
    if not tensor.isfinite().all():
        return "holds what is no finite number"
    if tensor.is_floating_point() and tensor.numel() and tensor.abs().max() > LARGEST_WEIGHT:
        return f"holds {float(tensor.abs().max()):.3g}, which is no weight"
    return ""


def _verified_tensors(path: Path, expected_hash: str | None) -> "dict[str, Tensor]":
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load_file  # noqa: PLC0415

    _check_file(path, expected_hash)
    try:
        with _refusals(path):
            return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: is no safetensors file or is cut short ({error}): {AGAIN}") from error


def _check_file(path: Path, expected_hash: str | None) -> None:
    if expected_hash is None:
        raise WeightsError(f"{path}: has no SHA-256 in {CARD_FILE}: {AGAIN}")
    with _refusals(path):
        found = sha256_of(path)
    if found != expected_hash:
        raise WeightsError(f"{path}: is damaged or was altered (SHA-256 differs from the card): {AGAIN}")


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: is missing: {AGAIN}") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
