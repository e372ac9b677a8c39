"""DeepLabv3+ (Chen 2018): ResNet-101 of MONAI with a dilated last stage, atrous pyramid, small decoder."""

from typing import Any

import torch
from torch import Tensor, nn

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import pointwise_unit
from blastoseg.model.architectures.monai import monai_network

RATES = (6, 12, 18)
EXPANSION = 4
"""A bottleneck's output over its width."""


class DeepLab(SegmentingNetwork):
    """``base`` channels in the encoder's first stage, ``width`` in pyramid and decoder, ``low`` low-level."""

    def __init__(self, base: int, width: int, low: int, classes: int) -> None:
        super().__init__()
        self.encoder: Any = _dilated_resnet(base)
        self.pyramid = Pyramid(8 * base * EXPANSION, width)
        self.low_level = nn.Sequential(*pointwise_unit(base * EXPANSION, low))
        self.decoder = nn.Sequential(*_separable_unit(width + low, width), *_separable_unit(width, width))
        self.logits = nn.Conv2d(width, classes, 1)

    @property
    def input_multiple(self) -> int:
        return 16

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        encoder = self.encoder
        low = encoder.layer1(encoder.maxpool(encoder.act(encoder.bn1(encoder.conv1(image)))))
        deep = self.pyramid(encoder.layer4(encoder.layer3(encoder.layer2(low))))
        deep = bring_to_size(deep, low.shape[-2], low.shape[-1])
        logits = self.logits(self.decoder(torch.cat([deep, self.low_level(low)], dim=1)))
        return [bring_to_size(logits, image.shape[-2], image.shape[-1])]


class Pyramid(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1, three dilated 3x3 (separable), and the image's mean."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*pointwise_unit(inputs, outputs)),
                *(nn.Sequential(*_separable_unit(inputs, outputs, rate)) for rate in RATES),
            ]
        )
        # No BatchNorm: in a batch of one there is but one mean to normalise.
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inputs, outputs, 1), nn.ReLU())
        self.project = nn.Sequential(*pointwise_unit(outputs * (len(RATES) + 2), outputs), nn.Dropout(0.5))

    def forward(self, features: Tensor) -> Tensor:
        """``(N, outputs, y, x)`` of ``(N, inputs, y, x)``."""
        parts = [branch(features) for branch in self.branches]
        parts.append(self.pooled(features).expand_as(parts[0]))
        projected: Tensor = self.project(torch.cat(parts, dim=1))
        return projected


def _separable_unit(inputs: int, outputs: int, rate: int = 1) -> list[nn.Module]:
    """A 3x3 convolution a channel, dilated by ``rate``, then a 1x1, BatchNorm, ReLU."""
    deep = nn.Conv2d(inputs, inputs, 3, padding=rate, dilation=rate, groups=inputs, bias=False)
    return [deep, *pointwise_unit(inputs, outputs)]


def _dilated_resnet(base: int) -> Any:
    """ResNet-101 with output stride 16: the last stage dilates by 2 where it stepped by 2."""
    network = monai_network("resnet", "ResNet")(
        block="bottleneck",
        layers=[3, 4, 23, 3],
        block_inplanes=[base, 2 * base, 4 * base, 8 * base],
        spatial_dims=2,
        n_input_channels=1,
        conv1_t_stride=2,
        feed_forward=False,
        bias_downsample=False,
    )
    for convolution in network.layer4.modules():
        if isinstance(convolution, nn.Conv2d):
            convolution.stride = (1, 1)
            if convolution.kernel_size == (3, 3):
                convolution.dilation = convolution.padding = (2, 2)
    return network
