"""How our reconstruction of Blast-Net is described; the network itself stands in ``blast_net``."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

BASE_CHANNELS = {"full": 64, "small": 22}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BlastNetLikeConfig(TwoWidths):
    """A reconstruction of Blast-Net (Rad 2019), of which no code was published.

    Its abstract names cascaded atrous pyramid pooling and dense progressive sub-pixel upsampling; encoder,
    rates, widths and what is joined to what are ours.
    """

    @property
    def input_multiple(self) -> int:
        return 8

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.peers.blast_net import BlastNetLike  # noqa: PLC0415  torch loads

        return BlastNetLike(BASE_CHANNELS[self.width], self.classes)
