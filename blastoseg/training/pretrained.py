"""Starting from weights that exist."""

from torch import nn

from blastoseg.errors import UsageError
from blastoseg.model.card import load_card
from blastoseg.model.loading import load_network


def load_pretrained(network: nn.Module, weights: str) -> None:
    """Fill a network with the segmenter of ``weights``, by name or folder.

    Raises WeightsError for unknown or damaged weights, UsageError where they are of another network.
    """
    card = load_card(weights)
    tensors = load_network(card).state_dict()
    own = network.state_dict()
    if {name: value.shape for name, value in own.items()} != {n: v.shape for n, v in tensors.items()}:
        raise UsageError(
            f"--from {weights}: its network ({card.segmenter.architecture}, {card.segmenter.config}) is not "
            "the recipe's: leave segmenter.network out of the recipe, to take theirs, or start without --from"
        )
    network.load_state_dict(tensors)
