"""How a Swin-UNet is described; the network itself stands in ``swin_unet``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidthsAtSide

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

SHAPE = {"full": (96, 3), "small": (32, 2)}
"""Channels and heads of the first stage."""
STEPS = 32
"""Between the input's side and that of the deepest map."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SwinUNetConfig(TwoWidthsAtSide):
    """Swin-UNet (Cao 2021). The deepest map of an input of ``side`` is one window, as in the paper.

    So the window is 8 at 256 (the paper's is 7 at 224), and the input's sides are multiples of ``side``.
    """

    def __post_init__(self) -> None:
        if self.side % STEPS or self.side < 2 * STEPS:
            raise ValueError(f"side {self.side}: give a multiple of {STEPS}, at least {2 * STEPS}")

    @property
    def input_multiple(self) -> int:
        return self.side

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.swin_unet import SwinUNet  # noqa: PLC0415  torch loads here

        width, heads = SHAPE[self.width]
        return SwinUNet(width, heads, self.classes, window=self.side // STEPS)
