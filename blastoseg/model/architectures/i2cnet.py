"""I2CNet (IJCAI 2022): coarse-to-fine segmentation in which each level is gated by the class map below it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.context import ClassContext
from blastoseg.model.architectures.contract import SegmentingNetwork, check_input_shape
from blastoseg.model.architectures.encoder import Encoder, initialise
from blastoseg.model.architectures.i2cnet_config import I2CNetConfig
from blastoseg.model.architectures.i2cnet_widening import can_widen, widen


class LogitHead(nn.Module):
    """F_n (two 1x1 convolutions to the K classes) then L_n (3x3 convolution, BatchNorm, ReLU): R to R_L.

    A ReLU stands between the two 1x1 convolutions: without it they would be one.
    """

    def __init__(self, channels: int, classes: int, relu: bool) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True), nn.Conv2d(channels, classes, 1)
        )
        self.logits = nn.Sequential(
            nn.Conv2d(classes, classes, 3, padding=1, bias=False), nn.BatchNorm2d(classes)
        )
        self.relu = relu

    def forward(self, features: Tensor) -> Tensor:
        """Logits ``(N, K, H, W)``."""
        logits: Tensor = self.logits(self.squeeze(features))
        return F.relu(logits) if self.relu else logits


class I2CNet(SegmentingNetwork):
    """The network. Class channels stand inside-out: ICM, blastocoel, TE, ZP, background."""

    def __init__(self, config: I2CNetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.base_channels, config.levels, config.features_before_pool)
        widths = [config.base_channels * 2**level for level in range(config.levels)]
        self.heads = nn.ModuleList(LogitHead(width, config.classes, config.logit_relu) for width in widths)
        self.contexts = nn.ModuleList(ClassContext(width, config) for width in widths[:-1])
        initialise(self)

    @property
    def input_multiple(self) -> int:
        return self.config.input_multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        """The logit maps R_L^1 .. R_L^N, finest first, of an ``(N, 1, H, W)`` image.

        R_L^n has side ``H / 2**n``, or ``H / 2**(n - 1)`` with ``features_before_pool``. Raises ValueError
        where a side is no multiple of ``input_multiple``.
        """
        check_input_shape(image, self.input_multiple)
        features = self.encoder(image)
        logits: Tensor = self.heads[-1](features[-1])
        maps = [logits]
        for level in range(self.config.levels - 2, -1, -1):
            probabilities = class_probabilities(logits)
            logits = self.heads[level](self.contexts[level](features[level], probabilities))
            maps.insert(0, logits)
        return maps

    def widen_from(self, narrow: SegmentingNetwork) -> bool:
        if not isinstance(narrow, I2CNet) or not can_widen(narrow.config, self.config):
            return False
        self.load_state_dict(widen(narrow.state_dict(), narrow.config, self.config))
        return True


def class_probabilities(logits: Tensor) -> Tensor:
    """P^n: the sigmoid of R_L^n, upsampled by 2 (bilinear), used one level up."""
    return F.interpolate(torch.sigmoid(logits), scale_factor=2, mode="bilinear", align_corners=False)
