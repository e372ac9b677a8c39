"""How a SETR is described; the network itself stands in ``setr``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidthsAtSide

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

SHAPE = {"full": (768, 12, 256), "small": (132, 12, 64)}
"""Width and heads of the twelve layers, channels of the head."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SETRConfig(TwoWidthsAtSide):
    """SETR-PUP (Zheng 2021) with ViT-B/16: the paper that compares it does not say which ViT it took.

    Its comparison began with pretrained weights; these begin from scratch unless a recipe names some.
    """

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.setr import SETR  # noqa: PLC0415  torch loads here

        width, heads, channels = SHAPE[self.width]
        return SETR(width, heads, channels, self.classes, grid=self.side // 16)
