"""Starting from weights that exist: a model's, or a file of tensors from elsewhere."""

from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from blastoseg.errors import UsageError, some_of
from blastoseg.model.architectures.contract import SegmentingNetwork
from blastoseg.model.card import load_card
from blastoseg.model.loading import load_locator, load_network
from blastoseg.training.sample import Target


def load_pretrained(network: nn.Module, weights: str, target: Target) -> None:
    """Fill a network with the one for ``target`` of ``weights``, by name or folder.

    An I2CNet that has more channels than theirs, and differs in nothing else, is widened from it. Raises
    WeightsError for unknown or damaged weights, UsageError where they are of another network.
    """
    card = load_card(weights)
    is_segmenter = target == "tissues"
    loaded = (load_network if is_segmenter else load_locator)(card)
    if isinstance(network, SegmentingNetwork) and isinstance(loaded, SegmentingNetwork):
        widened = network.widen_from(loaded)
        if widened:
            return
    tensors = loaded.state_dict()
    own = network.state_dict()
    if {name: value.shape for name, value in own.items()} != {n: v.shape for n, v in tensors.items()}:
        part = card.segmenter if is_segmenter else card.locator
        section = "segmenter.network" if is_segmenter else "locator.network"
        raise UsageError(
            f"--from {weights}: its network ({part.architecture}, {part.config}) is not the recipe's: "
            f"leave {section} out of the recipe, to take theirs, give an I2CNet more base_channels and "
            "change nothing else, or start without --from"
        )
    network.load_state_dict(tensors)


def problems_of_tensors(network: nn.Module, path: Path) -> Iterator[str]:
    """What keeps a safetensors file from filling a network or a part of it, told by its header alone."""
    own = {name: list(value.shape) for name, value in network.state_dict().items()}
    key = f"segmenter.pretrained: {path}"
    try:
        with safe_open(path, framework="pt") as file:
            given = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        yield f"{key}: cannot be read as safetensors ({error}): convert it, or name another file"
        return
    strange = sorted(set(given) - set(own))
    if strange or not given:
        yield (
            f"{key}: holds {some_of(strange) or 'no tensor'}, which this network does not have: name its "
            f"tensors as the network does, such as {next(iter(own))}"
        )
    for name in sorted(set(given) & set(own)):
        if given[name] != own[name]:
            yield f"{key}: {name} has shape {given[name]}, the network's {own[name]}"
            return


def load_tensors(network: nn.Module, path: Path) -> None:
    """Fill what a safetensors file names, and leave the rest. Raises UsageError where it does not fit."""
    for problem in problems_of_tensors(network, path):
        raise UsageError(problem)
    tensors = load_file(path)
    broken = [name for name, value in tensors.items() if not value.isfinite().all()]
    if broken:
        raise UsageError(f"{path}: {some_of(broken)}: holds what is no finite number: name another file")
    network.load_state_dict(tensors, strict=False)
