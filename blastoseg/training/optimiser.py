"""The optimiser that a recipe names, and the course of its learning rate."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from blastoseg.training.recipe_optimisation import Optimisation


def optimiser_of(parameters: Iterable[nn.Parameter], settings: Optimisation) -> torch.optim.Optimizer:
    """The recipe's optimiser of these parameters."""
    shared: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimiser == "sgd":
        return torch.optim.SGD(parameters, momentum=settings.momentum, nesterov=settings.nesterov, **shared)
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(parameters, **shared)


def learning_rate_factor(progress: float, settings: Optimisation) -> float:
    """The learning rate's share of its maximum at ``progress`` (0 the start, 1 the end), warm-up left out.

    poly is (1 - progress)^0.9, as in the paper; cosine falls from 1 to 0 along half a wave.
    """
    left = 1 - min(max(progress, 0.0), 1.0)
    return float(left**0.9) if settings.schedule == "poly" else 0.5 * (1 - math.cos(math.pi * left))
