"""What every segmenter offers: a list of logit maps, and one map of the input's size."""

from abc import ABC, abstractmethod
from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional as F


class Predicting(Protocol):
    """What a run asks of a segmenter that is made ready for prediction."""

    def predict(self, image: Tensor) -> Tensor:
        """Logits ``(N, K, H, W)`` of gray images ``(N, 1, H, W)``."""
        ...


class SegmentingNetwork(nn.Module, ABC):
    """A segmenter. Class channels stand inside-out: ICM, blastocoel, TE, ZP, background."""

    @property
    @abstractmethod
    def input_multiple(self) -> int:
        """Both sides of the input must be multiples of this."""

    @abstractmethod
    def forward(self, image: Tensor) -> list[Tensor]:
        """The logit maps ``(N, K, y, x)``, finest first, of gray images ``(N, 1, H, W)``.

        Raises ValueError where a side is no multiple of ``input_multiple``.
        """

    def predict(self, image: Tensor) -> Tensor:
        """The finest logits brought to the input's size (bilinear): ``(N, K, H, W)``."""
        finest = self(image)[0]
        return bring_to_size(finest, image.shape[-2], image.shape[-1])

    def widen_from(self, narrow: "SegmentingNetwork") -> bool:
        """Fill this network with what a narrower one of its kind knows; False where that cannot be."""
        del narrow
        return False


class OneMap(SegmentingNetwork):
    """A network of a library, which answers with one map of the input's size."""

    def __init__(self, network: nn.Module, input_multiple: int) -> None:
        super().__init__()
        self.network = network
        self._input_multiple = input_multiple

    @property
    def input_multiple(self) -> int:
        return self._input_multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        return [self.network(image)]


class SeveralMaps(OneMap):
    """A network of a library, which answers with several maps of the input's size, the one to go by last."""

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        maps: list[Tensor] = self.network(image)
        return maps[::-1]


def check_input_shape(image: Tensor, multiple: int) -> None:
    """Raise ValueError, with the size to pad to, unless both sides are multiples of ``multiple``."""
    if image.ndim != 4 or image.shape[1] != 1:
        raise ValueError(f"expected gray images (N, 1, H, W), got {tuple(image.shape)}")
    height, width = image.shape[-2:]
    if height % multiple or width % multiple or not height or not width:
        padded = [max(multiple, -(-side // multiple) * multiple) for side in (height, width)]
        raise ValueError(
            f"input of {height}x{width}: both sides must be multiples of {multiple}; "
            f"pad it to {padded[0]}x{padded[1]}"
        )


def bring_to_size(maps: Tensor, height: int, width: int, antialias: bool = False) -> Tensor:
    """Maps ``(N, K, y, x)`` resized (bilinear) to ``height`` x ``width``; unchanged if they fit.

    ``antialias`` smooths what gets smaller, as an image needs.
    """
    if tuple(maps.shape[-2:]) == (height, width):
        return maps
    return F.interpolate(
        maps, size=(height, width), mode="bilinear", align_corners=False, antialias=antialias
    )
