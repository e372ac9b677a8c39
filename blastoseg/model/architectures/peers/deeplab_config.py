"""How a DeepLabv3+ is described; the network itself stands in ``deeplab``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

CHANNELS = {"full": (64, 256, 48), "small": (16, 64, 24)}
"""Of the encoder's first stage, of pyramid and decoder, of the low-level path."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class DeepLabConfig(TwoWidths):
    """DeepLabv3+ (Chen 2018) on MONAI's ResNet-101, output stride 16.

    The paper's comparison began with pretrained weights; these begin from scratch unless a recipe names some.
    """

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.deeplab import DeepLab  # noqa: PLC0415  torch loads here

        return DeepLab(*CHANNELS[self.width], classes=self.classes)
