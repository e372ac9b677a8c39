"""A small U-Net that finds the embryo in a whole frame, beside ring, text, debris and neighbours."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import check_input_shape
from blastoseg.model.architectures.encoder import convolution_unit, initialise
from blastoseg.model.architectures.unet_locator_config import LocatorConfig


class Locator(nn.Module):
    """Gray frame ``(N, 1, H, W)`` to logits of (the main embryo, other embryos), ``(N, 2, H, W)``.

    The two outputs are independent (sigmoid each): a pixel may be neither.
    """

    def __init__(self, config: LocatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = list(config.widths)
        self.down = nn.ModuleList(
            nn.Sequential(*convolution_unit(inputs, width), *convolution_unit(width, width))
            for inputs, width in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.Sequential(*convolution_unit(fine + deep, fine)) for fine, deep in pairwise(widths)
        )
        self.head = nn.Conv2d(widths[0], config.outputs, 1)
        initialise(self)

    @property
    def input_multiple(self) -> int:
        """Both sides of the input must be multiples of this."""
        return self.config.input_multiple

    def forward(self, image: Tensor) -> Tensor:
        """Logits of the input's size. Raises ValueError where a side is no multiple of ``input_multiple``."""
        check_input_shape(image, self.input_multiple)
        features: list[Tensor] = []
        current = image
        for level, block in enumerate(self.down):
            current = block(F.max_pool2d(current, 2) if level else current)
            features.append(current)
        for level in range(len(self.up) - 1, -1, -1):
            raised = F.interpolate(current, scale_factor=2, mode="bilinear", align_corners=False)
            current = self.up[level](torch.cat([features[level], raised], dim=1))
        logits: Tensor = self.head(current)
        return logits
