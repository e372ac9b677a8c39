"""Attention U-Net (Oktay 2018) as MONAI has it: gates on the skips of a U-Net."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

BASE_CHANNELS = {"full": 64, "small": 20}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class AttentionUNetConfig(TwoWidths):
    """Architecture of one Attention U-Net: five levels, doubling from 64 channels at full width."""

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.contract import OneMap  # noqa: PLC0415  torch loads here
        from blastoseg.model.architectures.monai import monai_network  # noqa: PLC0415

        channels = [BASE_CHANNELS[self.width] * 2**level for level in range(5)]
        attention_unet = monai_network("attentionunet", "AttentionUnet")
        return OneMap(attention_unet(2, 1, self.classes, channels, [2] * 4), self.input_multiple)
