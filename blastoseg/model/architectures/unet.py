"""The U-Net of Falk 2019 as MONAI's BasicUNet has it: five levels, one map.

The paper leaves widths and normalisation to the task. Without a ``width`` they are MONAI's, the widths as
settings; with one it is the U-Net of the comparison: 64 to 1024 channels, BatchNorm and ReLU.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import SegmenterConfiguration, Width

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

Features = Annotated[int, Field(ge=1)]
SixFeatures = tuple[Features, Features, Features, Features, Features, Features]
OF_MONAI: SixFeatures = (32, 32, 64, 128, 256, 32)
COMPARED: dict[Width, SixFeatures] = {
    "full": (64, 128, 256, 512, 1024, 64),
    "small": (20, 40, 80, 160, 320, 20),
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class UNetConfig(SegmenterConfiguration):
    """Architecture of one U-Net: ``features`` of its five levels, finest first, and of its last step up.

    A ``width`` gives the features and the normalisation of the comparison, and excludes ``features``.
    """

    features: SixFeatures = OF_MONAI
    width: Width | None = None
    classes: int = 5

    def __post_init__(self) -> None:
        if self.width is not None and self.features != OF_MONAI:
            raise ValueError("give either features or a width")

    @classmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        del side
        return {"width": width}

    @property
    def input_multiple(self) -> int:
        # Four poolings by 2.
        return 16

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.contract import OneMap  # noqa: PLC0415  torch loads here
        from blastoseg.model.architectures.monai import monai_network  # noqa: PLC0415

        basic_unet = monai_network("basic_unet", "BasicUNet")
        if self.width is None:
            network = basic_unet(2, 1, self.classes, features=self.features)
        else:
            features = COMPARED[self.width]
            network = basic_unet(2, 1, self.classes, features=features, norm="batch", act="relu")
        return OneMap(network, self.input_multiple)
