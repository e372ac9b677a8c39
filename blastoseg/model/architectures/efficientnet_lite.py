"""The encoder of EfficientNet-Lite (Tan & Le 2019), for gray images: inverted bottlenecks with ReLU6.

`docs/convert_encoder.py` makes a published file of its weights, learnt from photographs, one of this encoder.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Stage(NamedTuple):
    """Blocks of one width; the first of them has the stride."""

    channels: int
    blocks: int
    side: int
    stride: int
    expansion: int


STAGES = (
    Stage(16, 1, 3, 1, expansion=1),
    Stage(24, 2, 3, 2, expansion=6),
    Stage(40, 2, 5, 2, expansion=6),
    Stage(80, 3, 3, 2, expansion=6),
    Stage(112, 3, 5, 1, expansion=6),
    Stage(192, 4, 5, 2, expansion=6),
    Stage(320, 1, 3, 1, expansion=6),
)
"""Lite 0; the others have more blocks in all but the first and the last, and Lite 2 more channels."""
STEM_CHANNELS = 32
DEPTHS = (1.0, 1.1, 1.2)
WIDTHS = (1.0, 1.0, 1.1)


class DepthwiseConvolution(nn.Conv2d):
    """A convolution of each channel, on a CPU in float32: in bfloat16 its gradients cost thrice."""

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type != "cpu" or features.dtype == torch.float32:
            return super().forward(features)
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float())


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel, narrow; added to what came in where the shapes allow."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        parts: list[nn.Module] = []
        if expansion > 1:
            parts += [nn.Conv2d(inputs, inner, 1, bias=False), _norm(inner), nn.ReLU6(inplace=True)]
        each = DepthwiseConvolution(inner, inner, side, stride, padding=side // 2, groups=inner, bias=False)
        parts += [each, _norm(inner), nn.ReLU6(inplace=True)]
        parts += [nn.Conv2d(inner, outputs, 1, bias=False), _norm(outputs)]
        self.path = nn.Sequential(*parts)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.path(features)
        return features + changed if self.skips else changed


class EfficientNetLite(nn.Module):
    """Gray image to feature maps at strides 2, 4, 8, 16 and 32, of ``channels`` channels each.

    Padding is the same on all sides, where the published networks pad more below and on the right: their
    features, moved by up to half a pixel a level.
    """

    def __init__(self, lite: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, STEM_CHANNELS, 3, 2, 1, bias=False), _norm(STEM_CHANNELS), nn.ReLU6(inplace=True)
        )
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        inputs = STEM_CHANNELS
        for index, stage in enumerate(STAGES):
            outputs = _in_eights(stage.channels * WIDTHS[lite])
            is_end = index in (0, len(STAGES) - 1)
            blocks = stage.blocks if is_end else math.ceil(stage.blocks * DEPTHS[lite])
            strides = [stage.stride] + [1] * (blocks - 1)
            widths = [inputs] + [outputs] * (blocks - 1)
            self.stages.append(
                nn.Sequential(
                    *(
                        InvertedBottleneck(width, outputs, stage.side, stride, expansion=stage.expansion)
                        for width, stride in zip(widths, strides, strict=True)
                    )
                )
            )
            inputs = outputs
            if _is_last_of_its_stride(index):
                self.channels.append(outputs)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The feature maps, finest first, of an ``(N, 1, H, W)`` image."""
        current: Tensor = self.stem(image)
        features: list[Tensor] = []
        for index, stage in enumerate(self.stages):
            current = stage(current)
            if _is_last_of_its_stride(index):
                features.append(current)
        return features


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _is_last_of_its_stride(index: int) -> bool:
    return index + 1 == len(STAGES) or STAGES[index + 1].stride == 2


def _in_eights(channels: float) -> int:
    """The nearest multiple of 8, the next one where more than a tenth would be lost."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near
