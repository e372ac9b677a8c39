"""UNet 3+ (Huang 2020), written from its paper: every decoder node sees the maps of all five scales."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import Encoder, convolution_unit, initialise

LEVELS = 5


class UNet3Plus(SegmentingNetwork):
    """``base`` channels at the finest of five levels, and of each of the five inputs of a decoder node."""

    def __init__(self, base: int, classes: int) -> None:
        super().__init__()
        widths = [base * 2**level for level in range(LEVELS)]
        self.encoder = Encoder(base, LEVELS, before_pool=True)
        self.nodes = nn.ModuleList(Node(level, widths, base) for level in range(LEVELS - 1))
        inputs = [LEVELS * base] * (LEVELS - 1) + [widths[-1]]
        self.heads = nn.ModuleList(nn.Conv2d(width, classes, 3, padding=1) for width in inputs)
        initialise(self)

    @property
    def input_multiple(self) -> int:
        return int(2 ** (LEVELS - 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        encoded = self.encoder(image)
        decoded = {LEVELS - 1: encoded[-1]}
        for level in range(LEVELS - 2, -1, -1):
            decoded[level] = self.nodes[level](encoded[: level + 1], decoded)
        height, width = image.shape[-2:]
        return [bring_to_size(head(decoded[level]), height, width) for level, head in enumerate(self.heads)]


class Node(nn.Module):
    """A decoder node: shallower encoder levels pooled, its own level, deeper nodes scaled up."""

    def __init__(self, level: int, widths: list[int], base: int) -> None:
        super().__init__()
        self.level = level
        deeper = [LEVELS * base] * (LEVELS - 2 - level) + [widths[-1]]
        self.inputs = nn.ModuleList(
            nn.Sequential(*convolution_unit(width, base)) for width in [*widths[: level + 1], *deeper]
        )
        self.join = nn.Sequential(*convolution_unit(LEVELS * base, LEVELS * base))

    def forward(self, encoded: list[Tensor], decoded: dict[int, Tensor]) -> Tensor:
        """``encoded`` up to this level, finest first; ``decoded`` the deeper nodes by level."""
        height, width = encoded[-1].shape[-2:]
        scaled = [F.max_pool2d(one, 2 ** (self.level - place)) for place, one in enumerate(encoded)]
        scaled += [bring_to_size(decoded[level], height, width) for level in range(self.level + 1, LEVELS)]
        parts = [layer(one) for layer, one in zip(self.inputs, scaled, strict=True)]
        joined: Tensor = self.join(torch.cat(parts, dim=1))
        return joined
