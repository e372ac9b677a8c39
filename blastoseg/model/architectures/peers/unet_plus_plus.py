"""UNet++ (Zhou 2018) as MONAI has it: nested skips, and a logit map of each of its four depths."""

from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.widths import TwoWidths

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

FEATURES = {"full": (32, 64, 128, 256, 512, 32), "small": (18, 36, 72, 144, 288, 18)}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class UNetPlusPlusConfig(TwoWidths):
    """Architecture of one UNet++; four maps of the input's size, that of the deepest decoder first."""

    @property
    def input_multiple(self) -> int:
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.contract import SeveralMaps  # noqa: PLC0415  torch loads here
        from blastoseg.model.architectures.monai import monai_network  # noqa: PLC0415

        nested = monai_network("basic_unetplusplus", "BasicUNetPlusPlus")
        network = nested(2, 1, self.classes, features=FEATURES[self.width], deep_supervision=True)
        return SeveralMaps(network, self.input_multiple)
