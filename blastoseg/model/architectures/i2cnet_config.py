"""How an I2CNet is described; the network itself stands in ``i2cnet``, ``encoder`` and ``context``."""

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import SegmenterConfiguration, Width

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import Predicting, SegmentingNetwork


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class I2CNetConfig(SegmenterConfiguration):
    """Architecture of one I2CNet; it is written into the model card.

    ``features_before_pool`` takes each level's features before its pool (the finest logits then have the
    input's side), ``logit_relu`` ends the logits in a ReLU as the paper does. ``intra``, ``inter`` and
    ``weighting`` are the ablations of the paper's Table 1. ``base_channels`` must be at least ``classes``.
    """

    base_channels: int = 64
    levels: int = 5
    classes: int = 5
    features_before_pool: bool = False
    logit_relu: bool = True
    intra: bool = True
    inter: bool = True
    weighting: bool = True

    def __post_init__(self) -> None:
        if self.base_channels < self.classes or self.levels < 2 or self.classes < 2:
            raise ValueError(
                f"base_channels {self.base_channels}, levels {self.levels}, classes {self.classes}: need "
                "base_channels >= classes, levels >= 2 and classes >= 2"
            )

    @classmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        del side
        return {"base_channels": {"full": 64, "small": 24}[width]}

    @property
    def input_multiple(self) -> int:
        return int(2**self.levels)

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.i2cnet import I2CNet  # noqa: PLC0415  torch loads here

        return I2CNet(self)

    def prepare(self, network: "SegmentingNetwork") -> "Predicting":
        from blastoseg.model.architectures.i2cnet import I2CNet  # noqa: PLC0415
        from blastoseg.model.architectures.inference import InferenceI2CNet  # noqa: PLC0415

        assert isinstance(network, I2CNet)
        return InferenceI2CNet(network)
