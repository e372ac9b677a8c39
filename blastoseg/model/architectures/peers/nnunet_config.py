"""How the network of nnU-Net is described; the network itself stands in ``nnunet``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

FILTERS = {"full": (32, 64, 128, 256, 512, 512, 512), "small": (10, 20, 40, 80, 152, 152, 152)}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class NNUNetConfig(TwoWidths):
    """The network that nnU-Net (Isensee 2021) plans for 256 x 256 pixels: seven levels, deep supervision.

    The network only: nnU-Net is above all a method, of which nothing else is here.
    """

    @property
    def input_multiple(self) -> int:
        # Six steps by 2.
        return 64

    def check_side(self, side: int) -> None:
        super().check_side(side)
        if side < 2 * self.input_multiple:
            raise ValueError(
                f"{side} leaves one pixel of the deepest map: take at least {2 * self.input_multiple}"
            )

    @property
    def level_weights(self) -> tuple[float, ...]:
        return 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.nnunet import NNUNet  # noqa: PLC0415  torch loads here

        return NNUNet(FILTERS[self.width], self.classes, self.input_multiple)
