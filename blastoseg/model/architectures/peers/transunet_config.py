"""How a TransUNet is described; the network itself stands in ``transunet``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidthsAtSide

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

SHAPE = {"full": (64, 768, 12, 512), "small": (16, 120, 12, 64)}
"""Channels of the stem, width and heads of the transformer, channels where the decoder begins."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TransUNetConfig(TwoWidthsAtSide):
    """TransUNet (Chen 2021) with the hybrid R50-ViT-B/16, its stem for one gray channel."""

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.transunet import TransUNet  # noqa: PLC0415  torch loads here

        stem, width, heads, channels = SHAPE[self.width]
        transformer = {"width": width, "heads": heads, "grid": self.side // 16}
        return TransUNet(stem, channels, self.classes, **transformer)
