"""TransUNet (Chen 2021): a ResNet, a transformer on its last map, a cascaded decoder."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import convolution_unit
from blastoseg.model.architectures.peers.vit import Transformer

UNITS = (3, 4, 9)
LAYERS = 12
DROPOUT = 0.1
GROUPS = 32


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose filters have mean 0 and variance 1 (Qiao 2019)."""

    def forward(self, image: Tensor) -> Tensor:
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), keepdim=True, correction=0)
        weight = (self.weight - mean) / torch.sqrt(variance + 1e-5)
        return F.conv2d(image, weight, self.bias, self.stride, self.padding)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(GROUPS, channels), channels, eps=1e-6)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1, each normalised; the shortcut is a 1x1 where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.layers = nn.Sequential(
            StandardisedConv2d(inputs, inner, 1, bias=False),
            _norm(inner),
            nn.ReLU(inplace=True),
            StandardisedConv2d(inner, inner, 3, stride=stride, padding=1, bias=False),
            _norm(inner),
            nn.ReLU(inplace=True),
            StandardisedConv2d(inner, outputs, 1, bias=False),
            _norm(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                StandardisedConv2d(inputs, outputs, 1, stride=stride, bias=False),
                nn.GroupNorm(outputs, outputs),
            )

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.layers(features) + self.shortcut(features))


class HybridEncoder(nn.Module):
    """Four maps, at 1/2, 1/4, 1/8 and 1/16: ``stem``, 4, 8 and 16 times ``stem`` channels."""

    def __init__(self, stem: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            StandardisedConv2d(1, stem, 7, stride=2, padding=3, bias=False),
            _norm(stem),
            nn.ReLU(inplace=True),
        )
        # The reference pools without padding and then pads the map that is one short: this does both.
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        stages, inputs = [], stem
        for place, units in enumerate(UNITS):
            outputs = 4 * stem * 2**place
            first = Bottleneck(inputs, outputs, stride=1 if place == 0 else 2)
            stages.append(nn.Sequential(first, *(Bottleneck(outputs, outputs, 1) for _ in range(units - 1))))
            inputs = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps, finest first, of an ``(N, 1, H, W)`` image."""
        maps = [self.stem(image)]
        current = self.pool(maps[0])
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return maps


class TransUNet(SegmentingNetwork):
    """``stem`` channels of the first convolution, ``channels`` where the decoder begins."""

    def __init__(self, stem: int, channels: int, classes: int, width: int, heads: int, grid: int) -> None:
        super().__init__()
        self.encoder = HybridEncoder(stem)
        self.tokens = nn.Conv2d(16 * stem, width, 1)
        self.transformer = Transformer(width, heads, LAYERS, grid, dropout=DROPOUT)
        self.widen = nn.Sequential(*convolution_unit(width, channels))
        outputs = [channels // 2, channels // 4, channels // 8, channels // 32 if channels > 64 else 8]
        skips = [8 * stem, 4 * stem, stem, 0]
        self.steps = nn.ModuleList(
            nn.Sequential(*convolution_unit(before + skip, after), *convolution_unit(after, after))
            for before, skip, after in zip([channels, *outputs[:-1]], skips, outputs, strict=True)
        )
        self.logits = nn.Conv2d(outputs[-1], classes, 3, padding=1)

    @property
    def input_multiple(self) -> int:
        return 16

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        *skips, deepest = self.encoder(image)
        current = self.widen(self.transformer(self.tokens(deepest)))
        for step in self.steps:
            current = bring_to_size(current, 2 * current.shape[-2], 2 * current.shape[-1])
            current = step(torch.cat([current, skips.pop()], dim=1) if skips else current)
        return [self.logits(current)]
