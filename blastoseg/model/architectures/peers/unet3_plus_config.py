"""How a UNet 3+ is described; the network itself stands in ``unet3_plus``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

BASE_CHANNELS = {"full": 64, "small": 21}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class UNet3PlusConfig(TwoWidths):
    """UNet 3+ (Huang 2020) with full-scale skips and deep supervision.

    Without its classification guide, which asks whether there is any foreground: here there always is some.
    """

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.unet3_plus import UNet3Plus  # noqa: PLC0415  torch loads here

        return UNet3Plus(BASE_CHANNELS[self.width], self.classes)
