"""Intra- and inter-class context of I2CNet, their weighting and their fusion (paper's Eq. 7, 9-12)."""

import math
from typing import Protocol

import torch
from torch import Tensor, nn

ALPHA = 1.0
BETA = 2.0


def group_sizes(channels: int, groups: int) -> list[int]:
    """Channels in each of the ordered groups: ``channels // groups`` each, the rest to the last."""
    size = channels // groups
    return [size] * (groups - 1) + [channels - size * (groups - 1)]


def boundary_weight(x: Tensor) -> Tensor:
    """U(x) = alpha (exp(-|x - 1/2|^beta) - exp(-(1/2)^beta)) + 1: largest where x is undecided, at 1/2."""
    return ALPHA * (torch.exp(-((x - 0.5).abs() ** BETA)) - math.exp(-(0.5**BETA))) + 1


def expand_to_channels(gates: Tensor, sizes: list[int]) -> Tensor:
    """Repeat each of ``gates``' channels over its group, giving ``(N, sum(sizes), H, W)``.

    The features are then gated by one multiplication. Slicing the features and concatenating the parts
    gives the same, but its backward pass copies every part.
    """
    return torch.cat(
        [gates[:, group : group + 1].expand(-1, size, -1, -1) for group, size in enumerate(sizes)], dim=1
    )


class ContextSwitches(Protocol):
    """Which contexts are used: the rows of the paper's Table 1."""

    @property
    def classes(self) -> int: ...
    @property
    def intra(self) -> bool: ...
    @property
    def inter(self) -> bool: ...
    @property
    def weighting(self) -> bool: ...


class ClassContext(nn.Module):
    """Features of one level, gated by the class probabilities of the level below: R_E to R_I2C.

    With neither context the features and the probabilities are concatenated and mixed by the 1x1 fusion:
    the backbone of the paper's Table 1 still has to hand what the deeper levels found to the finer ones.
    """

    def __init__(self, channels: int, switches: ContextSwitches) -> None:
        super().__init__()
        classes = switches.classes
        self.weighting = switches.weighting
        self.intra_sizes = group_sizes(channels, classes)
        self.inter_sizes = group_sizes(channels, classes - 1)
        self.intra = nn.Conv2d(channels, channels, 1) if switches.intra else None
        self.inter = nn.Conv2d(channels, channels, 1) if switches.inter else None
        contexts = int(switches.intra) + int(switches.inter)
        self.fuse = nn.Conv2d(channels * contexts if contexts else channels + classes, channels, 1)

    def forward(self, features: Tensor, probabilities: Tensor) -> Tensor:
        """R_I2C, of the shape of ``features`` ``(N, C, H, W)``; ``probabilities`` is ``(N, K, H, W)``."""
        contexts = []
        if self.intra is not None:
            contexts.append(self.intra(features * expand_to_channels(probabilities, self.intra_sizes)))
        if self.inter is not None:
            contexts.append(self.inter(self._weigh(features, probabilities)))
        if not contexts:
            contexts = [features, probabilities]
        fused: Tensor = self.fuse(torch.cat(contexts, dim=1) if len(contexts) > 1 else contexts[0])
        return fused

    def _weigh(self, features: Tensor, probabilities: Tensor) -> Tensor:
        if not self.weighting:
            return features
        accumulated = probabilities[:, :-1].cumsum(dim=1)
        return features * expand_to_channels(boundary_weight(accumulated), self.inter_sizes)
