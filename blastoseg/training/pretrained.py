"""Starting from weights that exist."""

from torch import nn

from blastoseg.errors import UsageError
from blastoseg.model.architectures.contract import SegmentingNetwork
from blastoseg.model.card import load_card
from blastoseg.model.loading import load_locator, load_network
from blastoseg.training.data import Target


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
