"""Our reconstruction of Blast-Net (Rad 2019) from its abstract: cascaded pyramid, sub-pixel decoder."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import SegmentingNetwork, check_input_shape
from blastoseg.model.architectures.encoder import convolution_unit, initialise, pointwise_unit

RATES = (2, 4, 8)
STEPS = 3
BLOCKS = 2
"""Of a stage."""


class BlastNetLike(SegmentingNetwork):
    """``base`` channels in the first of four stages, each twice as wide as the one before."""

    def __init__(self, base: int, classes: int) -> None:
        super().__init__()
        widths = [base * 2**stage for stage in range(STEPS + 1)]
        stages = [
            _stage(inputs, width, stride=2) for inputs, width in zip([1, *widths], widths[:-1], strict=False)
        ]
        self.stages = nn.ModuleList(stages)
        self.dilated = _stage(widths[-2], widths[-1], dilation=2)
        self.pyramid = CascadedPyramid(widths[-1], 2 * base)
        self.decoder = SubPixelDecoder(widths)
        self.logits = nn.Conv2d(base, classes, 1)
        initialise(self)

    @property
    def input_multiple(self) -> int:
        return int(2**STEPS)

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        maps, current = [], image
        for stage in self.stages:
            current = stage(current)
            maps.append(current)
        return [self.logits(self.decoder(self.pyramid(self.dilated(current)), maps))]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with BatchNorm, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.layers(features) + self.shortcut(features))


class CascadedPyramid(nn.Module):
    """CAPP: a 1x1 and three dilated 3x3, each of which also sees the branches before it; the image's mean."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*pointwise_unit(channels, width))
        self.cascade = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels + (place + 1) * width, width, 3, padding=rate, dilation=rate, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for place, rate in enumerate(RATES)
        )
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, width, 1), nn.ReLU())
        self.project = nn.Sequential(*pointwise_unit((len(RATES) + 2) * width, channels))

    def forward(self, features: Tensor) -> Tensor:
        """A map of the shape of ``features``."""
        parts = [self.first(features)]
        for branch in self.cascade:
            parts.append(branch(torch.cat([features, *parts], dim=1)))
        parts.append(self.pooled(features).expand_as(parts[0]))
        projected: Tensor = self.project(torch.cat(parts, dim=1))
        return projected


class SubPixelDecoder(nn.Module):
    """DPSU: three steps by 2; each sees the step before, every earlier map at its size, and the encoder's."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        earlier, steps = [widths[-1]], []
        for width in widths[-2::-1]:
            seen = sum(channels // 4**age for age, channels in enumerate(reversed(earlier)))
            steps.append(nn.Sequential(*convolution_unit(seen + width, 4 * width), nn.PixelShuffle(2)))
            earlier.append(width)
        self.steps = nn.ModuleList(steps)

    def forward(self, deepest: Tensor, encoded: list[Tensor]) -> Tensor:
        """Of the side of the image; ``encoded`` are the encoder's maps, finest first."""
        earlier = [deepest]
        for step, skip in zip(self.steps, reversed(encoded), strict=True):
            seen = [_shuffled(one, 2**age) for age, one in enumerate(reversed(earlier))]
            earlier.append(step(torch.cat([*seen, skip], dim=1)))
        return earlier[-1]


def _stage(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    first = ResidualBlock(inputs, outputs, stride, dilation)
    return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1, dilation) for _ in range(BLOCKS - 1)))


def _shuffled(features: Tensor, factor: int) -> Tensor:
    """Pixel-shuffled by ``factor``; channels that do not fill a square of pixels are left out."""
    kept = features.shape[1] // factor**2 * factor**2
    return F.pixel_shuffle(features[:, :kept], factor)
