"""Test-time augmentation: a crop is seen in four mirrored copies, or once where that is sure."""

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from blastoseg.model.architectures.contract import bring_to_size

Averaging: TypeAlias = bool | Literal["unsure"]
"""Whether to average; "unsure": only crops of which the pass over the crop as it is, is unsure."""
Forward = Callable[[Tensor], Tensor]

SURE = 0.9
"""A pixel is sure where one tissue has this probability."""
MOST_UNSURE_FRAC = 0.12
"""A crop is sure where no larger share of its pixels is unsure: docs/validation.md says what that loses."""


def averaged(
    predict: Forward, images: Tensor, averaging: Averaging, second_side: int | None = None
) -> Tensor:
    """Probabilities ``(N, K, side, side)`` of images ``(N, 1, side, side)``, each image's its own alone."""
    plain = predict(images)
    if averaging is False:
        return plain
    if averaging is True:
        return over_mirrored_copies(predict, images, plain, second_side)
    unsure = is_unsure(plain)
    if not unsure.any():
        return plain
    of_all = over_mirrored_copies(predict, images, plain, second_side)
    return torch.where(unsure[:, None, None, None], of_all, plain)


def over_mirrored_copies(
    predict: Forward, images: Tensor, plain: Tensor, second_side: int | None = None
) -> Tensor:
    """The mean of the probabilities of four mirrored copies ``(N, 1, side, side)``; ``plain`` is the first's.

    With a ``second_side`` two of the four are seen at it.
    """
    side = images.shape[-1]
    small = second_side or side
    second = bring_to_size(images, small, small, antialias=True)
    probabilities = plain
    for axes, source in (([2, 3], images), ([2], second), ([3], second)):
        mirrored = predict(source.flip(axes)).flip(axes)
        probabilities = probabilities + bring_to_size(mirrored, side, side)
    return probabilities / 4


def is_unsure(probabilities: Tensor) -> Tensor:
    """For each of ``(N, K, y, x)`` whether more of its pixels are unsure than a sure crop has: ``(N,)``."""
    return (probabilities.amax(dim=1) < SURE).float().mean(dim=(1, 2)) > MOST_UNSURE_FRAC
