"""How a MedT is described; the network itself stands in ``medt`` and ``axial_attention``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidthsAtSide

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

SHAPE = {"full": (16, 8), "small": (24, 6)}
"""Channels of the first stage's attention, and groups. Published, it has less than the 3 million of small."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class MedTConfig(TwoWidthsAtSide):
    """Medical Transformer (Valanarasu 2021); its gates are learnt from the first epoch, not the tenth."""

    @property
    def input_multiple(self) -> int:
        # A tile of the 4 x 4 grid is halved four times.
        return 64

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.medt import MedT  # noqa: PLC0415  torch loads here

        planes, groups = SHAPE[self.width]
        return MedT(planes, groups, self.classes, self.side)
