"""How an I2CNet on the encoder of EfficientNet-Lite is described; the network stands in ``i2cnet_lite``."""

from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import SegmenterConfiguration, Width

if TYPE_CHECKING:
    from blastoseg.model.architectures.contract import SegmentingNetwork

FULL, HALF = 5, 4
"""Widths for logits of the input's size, and of half of it."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class I2CNetLiteConfig(SegmenterConfiguration):
    """Architecture of one such network: ``lite`` 0, 1 or 2, and the channels of its levels, finest first.

    Four ``widths`` give logits of half the input's side, five its whole side, at nearly twice the cost.
    """

    lite: int = Field(default=2, ge=0, le=2)
    widths: tuple[int, ...] = (32, 48, 64, 128)
    classes: int = 5
    intra: bool = True
    inter: bool = True
    weighting: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) not in (HALF, FULL) or min(self.widths) < self.classes:
            raise ValueError(f"widths {self.widths}: give four or five, each at least {self.classes}")

    @property
    def is_full_size(self) -> bool:
        """Whether the finest logits have the input's size."""
        return len(self.widths) == FULL

    @classmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        del side
        return {"lite": 0, "widths": (16, 24, 32, 48)} if width == "small" else {"lite": 2}

    @property
    def input_multiple(self) -> int:
        return 32

    def build(self) -> "SegmentingNetwork":
        from blastoseg.model.architectures.i2cnet_lite import I2CNetLite  # noqa: PLC0415  torch loads here

        return I2CNetLite(self)
