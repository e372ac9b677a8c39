"""The loss of I2CNet (paper's Eq. 13-15), with the options a recipe may add, and that of the locator."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from blastoseg.training.recipe_optimisation import LossTerms

UNUSED = 255
"""The class channel of a pixel from which nothing is learnt."""


def labels_at(target: Tensor, size: torch.Size) -> Tensor:
    """Class maps ``(N, H, W)`` scaled to another size: each pixel takes the class at its centre."""
    if target.shape[-2:] == size:
        return target
    scaled = F.interpolate(target[:, None].float(), size=tuple(size), mode="nearest-exact")
    return scaled[:, 0].to(target.dtype)


def segmentation_loss(maps: list[Tensor], target: Tensor, terms: LossTerms) -> Tensor:
    """Mean over the levels of the mean cross entropy over the pixels; a scalar.

    ``maps`` are the logits R_L^1 .. R_L^N, finest first, ``target`` holds class channels ``(N, H, W)``.
    The soft Dice term, if any, is added at the finest level.
    """
    total = _over_levels(maps, target, terms, F.cross_entropy)
    if terms.dice:
        total = total + terms.dice * soft_dice_loss(maps[0].float(), labels_at(target, maps[0].shape[-2:]))
    return total


def pseudo_label_loss(maps: list[Tensor], target: Tensor, terms: LossTerms) -> Tensor:
    """The cross entropy of ``segmentation_loss``, over the pixels that are not UNUSED; a scalar.

    Its sum is divided by the number of all pixels: where the teacher is sure of little, little is learnt.
    """

    def of_level(logits: Tensor, scaled: Tensor, weight: Tensor | None) -> Tensor:
        summed = F.cross_entropy(logits, scaled, weight=weight, ignore_index=UNUSED, reduction="sum")
        return summed / scaled.numel()

    return _over_levels(maps, target, terms, of_level)


def _over_levels(
    maps: list[Tensor],
    target: Tensor,
    terms: LossTerms,
    loss: Callable[[Tensor, Tensor, Tensor | None], Tensor],
) -> Tensor:
    """Weighted mean over the levels of a loss of logits, the target at their size, and class weights."""
    weights = terms.level_weights or (1.0,) * len(maps)
    if len(weights) != len(maps):
        raise ValueError(f"{len(weights)} level weights for {len(maps)} levels: give one a level")
    classes = None if terms.class_weights is None else torch.tensor(terms.class_weights, device=target.device)
    total = torch.zeros((), device=target.device)
    for weight, logits in zip(weights, maps, strict=True):
        total = total + weight * loss(logits.float(), labels_at(target, logits.shape[-2:]), classes)
    return total / sum(weights)


def soft_dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - soft Dice, sums taken over the batch, mean over the classes that occur in ``target``; a scalar."""
    probabilities = torch.softmax(logits, dim=1)
    truth = F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(probabilities.dtype)
    overlap = (probabilities * truth).sum(dim=(0, 2, 3))
    sizes = probabilities.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return 1 - (2 * overlap / sizes.clamp_min(1e-6))[present].mean()


def mask_loss(logits: Tensor, target: Tensor, terms: LossTerms) -> Tensor:
    """Mean binary cross entropy of the locator's outputs plus ``terms.dice`` times 1 - soft Dice; a scalar.

    ``logits`` and ``target`` are ``(N, outputs, H, W)``; ``target`` holds 0 and 1.
    """
    truth = target.float()
    loss = F.binary_cross_entropy_with_logits(logits.float(), truth)
    if terms.dice:
        probabilities = torch.sigmoid(logits.float())
        overlap = (probabilities * truth).sum(dim=(0, 2, 3))
        sizes = probabilities.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
        loss = loss + terms.dice * (1 - (2 * overlap + 1) / (sizes + 1)).mean()
    return loss
