"""What every description of a network offers. Read without torch: cards and recipes name networks too."""

from abc import ABC, abstractmethod
from collections.abc import Set
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

if TYPE_CHECKING:
    from torch import nn

    from blastoseg.model.architectures.contract import Predicting, SegmentingNetwork


Width = Literal["full", "small"]
"""full: the width of the network's paper. small: about 3 million parameters, for CPUs and at equal size."""


class Configuration(ABC):
    """Describes one network. A frozen pydantic dataclass: its fields are the keys of cards and recipes."""

    @property
    @abstractmethod
    def input_multiple(self) -> int:
        """Both sides of the input must be multiples of this."""

    @abstractmethod
    def build(self) -> Any:
        """A fresh network. Raises EnvironmentProblemError where a library that it needs is missing."""

    def check_side(self, side: int) -> None:
        """Raise ValueError, with the sides to take instead, for a side that the network cannot take."""
        multiple = self.input_multiple
        if side % multiple:
            below = side // multiple * multiple
            choices = " or ".join(str(fit) for fit in (below, below + multiple) if fit)
            raise ValueError(f"{side} is no multiple of {multiple}, as this network needs it: take {choices}")


class SegmenterConfiguration(Configuration):
    """Describes a segmenter: it gives each pixel a logit for each of the tissues, inside-out."""

    @classmethod
    @abstractmethod
    def settings_at(cls, width: Width, side: int) -> dict[str, Any]:
        """The settings with which networks are compared: at a width, made for a side of the input."""

    @property
    def level_weights(self) -> tuple[float, ...] | None:
        """What the network's paper weighs the loss of each logit map with, finest first; None: all alike."""
        return None

    @abstractmethod
    def build(self) -> "SegmentingNetwork": ...

    def prepare(self, network: "SegmentingNetwork") -> "Predicting":
        """The trained network made ready for prediction; the one that is given is not used any more."""
        _fold(network)
        return network


class LocatorConfiguration(Configuration):
    """Describes a locator: logits of (the main embryo, other embryos), ``(N, 2, H, W)``, of a frame."""

    @abstractmethod
    def build(self) -> "nn.Module": ...

    def prepare(self, network: "nn.Module") -> "nn.Module":
        """The trained network made ready for prediction; the one that is given is not used any more."""
        _fold(network)
        return network


def _fold(network: "nn.Module") -> None:
    from blastoseg.model.architectures.encoder import fold_batch_norms  # noqa: PLC0415  torch loads here

    fold_batch_norms(network.eval())


def problems_in_words(error: ValidationError, unsaid: Set[str] = frozenset()) -> str:
    """Every key that is wrong and what is wrong with it; ``unsaid`` parts of a key stand in no file."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"] if part not in unsaid)
        message = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{key}: {message}" if key else message)
    return "; ".join(problems)
