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


class Registry(Generic[C]):
    """Names of one kind of network, each with the file and the class that describe it.

    ``given`` are the settings that belong to the task and not to a network: no card and no recipe has them.
    """

    def __init__(self, kind: str, described_by: Mapping[str, str], given: Mapping[str, int]) -> None:
        self.kind = kind
        self._described_by = dict(described_by)
        self._given = dict(given)

    def __iter__(self) -> Iterator[str]:
        return iter(self._described_by)

    def check_name(self, name: str) -> str:
        """The name. Raises ValueError with the choices for one that is unknown."""
        if name not in self._described_by:
            raise ValueError(f"unknown {self.kind} {name!r}: choose one of {', '.join(self)}")
        return name

    def configure(self, name: str, settings: Mapping[str, Any]) -> C:
        """The configuration of a network by name. Raises ValueError naming the key that is wrong."""
        module, _, described = self._described_by[self.check_name(name)].partition(":")
        configuration: type[C] = getattr(import_module(f"{__package__}.{module}"), described)
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
    },
    given={"classes": len(INSIDE_OUT)},
)
LOCATORS: Registry[LocatorConfiguration] = Registry(
    "locator",
    {
        "unet": "unet_locator_config:LocatorConfig",
    },
    given={"outputs": 2},
)
