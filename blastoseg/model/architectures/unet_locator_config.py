"""How the small U-Net that finds the embryo is described; the network itself stands in ``unet_locator``."""

from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import LocatorConfiguration

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LocatorConfig(LocatorConfiguration):
    """Architecture of one locator: ``widths`` from the finest level down; channels main and other embryo."""

    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)] = (8, 16, 24, 32, 40)
    outputs: int = 2

    @property
    def input_multiple(self) -> int:
        return int(2 ** (len(self.widths) - 1))

    def build(self) -> "nn.Module":
        from blastoseg.model.architectures.unet_locator import Locator  # noqa: PLC0415  torch loads here

        return Locator(self)
