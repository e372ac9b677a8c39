"""I2CNet's class contexts on the encoder of EfficientNet-Lite, features handed up beside the class maps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.context import ClassContext
from blastoseg.model.architectures.contract import SegmentingNetwork, check_input_shape
from blastoseg.model.architectures.efficientnet_lite import EfficientNetLite
from blastoseg.model.architectures.encoder import convolution_unit, initialise
from blastoseg.model.architectures.i2cnet import LogitHead, class_probabilities
from blastoseg.model.architectures.i2cnet_lite_config import I2CNetLiteConfig


class I2CNetLite(SegmentingNetwork):
    """The network. Class channels stand inside-out: ICM, blastocoel, TE, ZP, background."""

    def __init__(self, config: I2CNetLiteConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EfficientNetLite(config.lite)
        # Features of the input's own size are not the encoder's: a unit of their own makes them.
        self.finest = nn.Sequential(*convolution_unit(1, config.widths[0])) if config.is_full_size else None
        skips = [config.widths[0]] * config.is_full_size + self.encoder.channels
        widths = [*config.widths, skips[-1]]
        self.decoders = nn.ModuleList(
            nn.Sequential(*convolution_unit(skip + below, width), *convolution_unit(width, width))
            for skip, width, below in zip(skips[:-1], widths[:-1], widths[1:], strict=True)
        )
        self.contexts = nn.ModuleList(ClassContext(width, config) for width in config.widths)
        self.heads = nn.ModuleList(LogitHead(width, config.classes, relu=False) for width in widths)
        initialise(self)

    @property
    def input_multiple(self) -> int:
        return self.config.input_multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        """The logit maps, finest first, of an ``(N, 1, H, W)`` image; the deepest has side ``H / 32``.

        The finest has the input's side with five ``widths``, half of it with four. Raises ValueError where a
        side is no multiple of ``input_multiple``.
        """
        check_input_shape(image, self.input_multiple)
        skips = self.encoder(image)
        if self.finest is not None:
            skips = [self.finest(image), *skips]
        hidden = skips[-1]
        logits: Tensor = self.heads[-1](hidden)
        maps = [logits]
        for level in range(len(self.decoders) - 1, -1, -1):
            larger = F.interpolate(hidden, scale_factor=2, mode="bilinear", align_corners=False)
            hidden = self.decoders[level](torch.cat([skips[level], larger], dim=1))
            hidden = hidden + self.contexts[level](hidden, class_probabilities(logits))
            logits = self.heads[level](hidden)
            maps.insert(0, logits)
        return maps
