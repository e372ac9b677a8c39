"""The U-Net of Falk 2019 as MONAI's BasicUNet has it: five levels, instance normalisation, one map.

The paper leaves widths and normalisation to the task; here they are MONAI's, the widths as settings.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import SegmenterConfiguration

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

Width = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class UNetConfig(SegmenterConfiguration):
    """Architecture of one U-Net: ``features`` of its five levels, finest first, and of its last step up."""

    features: tuple[Width, Width, Width, Width, Width, Width] = (32, 32, 64, 128, 256, 32)
    classes: int = 5

    @property
    def input_multiple(self) -> int:
        # Four poolings by 2.
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.contract import OneMap  # noqa: PLC0415  torch loads here
        from blastoseg.model.architectures.monai import monai_network  # noqa: PLC0415

        basic_unet = monai_network("basic_unet", "BasicUNet")
        return OneMap(basic_unet(2, 1, self.classes, features=self.features), self.input_multiple)
