"""The networks by name, as cards, recipes and commands name them. Read without torch.

A name of a segmenter and the same name of a locator are two things: each kind has a registry of its own.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from blastoseg.model.architectures.configuration import (
    Configuration,
    LocatorConfiguration,
    SegmenterConfiguration,
    problems_in_words,
)
from blastoseg.tissues import INSIDE_OUT

C = TypeVar("C", bound=Configuration)

LARGEST_SIDE = 2048
"""Pixels: more than an embryo has in any frame."""


class Registry(Generic[C]):
    """Names of one kind of network, each with the file and the class that describe it.

    ``given`` are the settings that belong to the task and not to a network: no card and no recipe has them.
    ``least_side`` is the smallest input, in pixels, in which the task can be seen at all.
    """

    def __init__(
        self, kind: str, described_by: Mapping[str, str], given: Mapping[str, int], least_side: int
    ) -> None:
        self.kind = kind
        self.least_side = least_side
        self._described_by = dict(described_by)
        self._given = dict(given)

    def __iter__(self) -> Iterator[str]:
        return iter(self._described_by)

    def check_name(self, name: str) -> str:
        """The name. Raises ValueError with the choices for one that is unknown."""
        if name not in self._described_by:
            raise ValueError(f"unknown {self.kind} {name!r}: choose one of {', '.join(self)}")
        return name

    def check_side(self, side: int) -> None:
        """Raise ValueError, with the sides to take instead, for an input of too few or too many pixels."""
        if not self.least_side <= side <= LARGEST_SIDE:
            raise ValueError(
                f"a {self.kind} sees {self.least_side} to {LARGEST_SIDE} pixels a side, not {side}"
            )

    def described(self, name: str) -> type[C]:
        """The class that describes a network by name. Raises ValueError for one that is unknown."""
        module, _, described = self._described_by[self.check_name(name)].partition(":")
        configuration: type[C] = getattr(import_module(f"{__package__}.{module}"), described)
        return configuration

    def configure(self, name: str, settings: Mapping[str, Any]) -> C:
        """The configuration of a network by name. Raises ValueError naming the key that is wrong."""
        configuration = self.described(name)
        taken = [key for key in settings if key in self._given]
        if taken:
            raise ValueError(f"{', '.join(taken)}: is not for a network to choose: leave it out")
        try:
            return configuration(**settings, **self._given)
        except ValidationError as error:
            raise ValueError(problems_in_words(error)) from error


SEGMENTERS: Registry[SegmenterConfiguration] = Registry(
    "segmenter",
    {
        "i2cnet": "i2cnet_config:I2CNetConfig",
        "unet": "unet:UNetConfig",
        "attention-unet": "peers.attention_unet:AttentionUNetConfig",
        "unet-plus-plus": "peers.unet_plus_plus:UNetPlusPlusConfig",
        "nnunet": "peers.nnunet_config:NNUNetConfig",
        "deeplabv3-plus": "peers.deeplab_config:DeepLabConfig",
        "setr": "peers.setr_config:SETRConfig",
        "transunet": "peers.transunet_config:TransUNetConfig",
        "swin-unet": "peers.swin_unet_config:SwinUNetConfig",
        "unet3-plus": "peers.unet3_plus_config:UNet3PlusConfig",
        "pranet": "peers.pranet_config:PraNetConfig",
        "medt": "peers.medt_config:MedTConfig",
        "blast-net": "peers.blast_net_config:BlastNetLikeConfig",
        "i2cnet-lite": "i2cnet_lite_config:I2CNetLiteConfig",
    },
    given={"classes": len(INSIDE_OUT)},
    # Below, a zona is less than a pixel or two wide.
    least_side=64,
)
LOCATORS: Registry[LocatorConfiguration] = Registry(
    "locator",
    {
        "unet": "unet_locator_config:LocatorConfig",
    },
    given={"outputs": 2},
    least_side=32,
)
