"""The two widths in which every network of a comparison is to be had, and the settings that give them."""

from typing import Any

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from blastoseg.model.architectures.configuration import SegmenterConfiguration, Width


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TwoWidths(SegmenterConfiguration):
    """A network that is had in two widths, and is otherwise as its paper describes it."""

    width: Width = "full"
    classes: int = 5

    @classmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        del side
        return {"width": width}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TwoWidthsAtSide(TwoWidths):
    """A network that learns positions, so that it is made for one ``side`` of the input, in pixels."""

    side: int = 256

    @classmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        return {"width": width, "side": side}
