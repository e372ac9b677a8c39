"""How a PraNet is described; the network itself stands in ``pranet`` and ``res2net``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

SHAPE = {"full": (64, 32), "small": (19, 12)}
"""Channels of the first stage's blocks, and of the receptive field blocks."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PraNetConfig(TwoWidths):
    """PraNet (Fan 2020) on a Res2Net-50, adapted to five classes.

    The paper segments polyps from background, and the one that compares it does not say how it was given
    more classes: here the reverse attention looks where no foreground class is probable. Its comparison began
    with pretrained weights; these begin from scratch unless a recipe names some.
    """

    @property
    def input_multiple(self) -> int:
        return 32

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.pranet import PraNet  # noqa: PLC0415  torch loads here

        base, channels = SHAPE[self.width]
        return PraNet(base, channels, self.classes)
