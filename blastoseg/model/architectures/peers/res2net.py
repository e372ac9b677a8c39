"""Res2Net-50 v1b, 26w x 4s (Gao 2021), written from its paper: residual blocks of four scales."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.encoder import convolution_unit, pointwise_unit

BLOCKS = (3, 4, 6, 3)
SCALES = 4
EXPANSION = 4
WIDTH_OF_SCALE = 26 / 64
"""Channels of one scale over those of the block."""


class Res2Net(nn.Module):
    """``base`` channels in the first stage's blocks; a stage gives four times its own."""

    def __init__(self, base: int) -> None:
        super().__init__()
        half = base // 2
        self.stem = nn.Sequential(
            nn.Conv2d(1, half, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            *convolution_unit(half, half),
            *convolution_unit(half, base),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        stages, inputs = [], base
        for place, count in enumerate(BLOCKS):
            inner = base * 2**place
            first = Res2Block(inputs, inner, stride=1 if place == 0 else 2, is_first=True)
            inputs = EXPANSION * inner
            stages.append(
                nn.Sequential(first, *(Res2Block(inputs, inner, 1, False) for _ in range(count - 1)))
            )
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The stages' maps at 1/4, 1/8, 1/16 and 1/32 of an ``(N, 1, H, W)`` image."""
        current = self.stem(image)
        maps = []
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return maps


class Res2Block(nn.Module):
    """A bottleneck whose channels are split in four: each part but the last is convolved with the one before.

    The first block of a stage has its parts side by side, and the last of them pooled.
    """

    def __init__(self, inputs: int, inner: int, stride: int, is_first: bool) -> None:
        super().__init__()
        width = int(inner * WIDTH_OF_SCALE)
        outputs = EXPANSION * inner
        self.is_first = is_first
        self.reduce = nn.Sequential(*pointwise_unit(inputs, SCALES * width))
        self.scales = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for _ in range(SCALES - 1)
        )
        self.pool = nn.AvgPool2d(3, stride=stride, padding=1) if is_first else nn.Identity()
        self.widen = nn.Sequential(nn.Conv2d(SCALES * width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut: nn.Module = nn.Identity()
        if is_first:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, stride=stride),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, features: Tensor) -> Tensor:
        *parts, last = self.reduce(features).chunk(SCALES, dim=1)
        done: list[Tensor] = []
        for part, layer in zip(parts, self.scales, strict=True):
            done.append(layer(part if self.is_first or not done else part + done[-1]))
        joined = self.widen(torch.cat([*done, self.pool(last)], dim=1))
        return F.relu(joined + self.shortcut(features))
