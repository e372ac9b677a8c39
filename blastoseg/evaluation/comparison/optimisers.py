"""The optimisers that the networks were published with, for a comparison of each under its own."""

from typing import Any

from blastoseg.training.recipe_optimisation import Optimisation

POLY = {"schedule": "poly"}

PUBLISHED: dict[str, dict[str, Any]] = {
    "i2cnet": {"optimiser": "adam", "learning_rate": 1e-4, "weight_decay": 1e-5, **POLY},
    "nnunet": {
        **{"optimiser": "sgd", "learning_rate": 1e-2, "weight_decay": 3e-5, **POLY},
        **{"momentum": 0.99, "nesterov": True, "gradient_clip": 12.0},
    },
    "setr": {"optimiser": "sgd", "learning_rate": 1e-2, "weight_decay": 0.0, "momentum": 0.9, **POLY},
    "transunet": {"optimiser": "sgd", "learning_rate": 1e-2, "weight_decay": 1e-4, "momentum": 0.9, **POLY},
    "pranet": {"optimiser": "adam", "learning_rate": 1e-4, "weight_decay": 0.0, "gradient_clip": 0.5, **POLY},
}
"""Only what their papers or reference code say; the others, and what is not said here, are the recipe's."""


def optimisation_of(architecture: str, common: Optimisation, own: bool) -> Optimisation:
    """The recipe's optimisation, or with ``own`` the network's published one at the same length."""
    published = PUBLISHED.get(architecture) if own else None
    if published is None:
        return common
    plain = {"momentum": 0.0, "nesterov": False, "gradient_clip": 0.0, "warmup_steps": 0}
    return Optimisation.model_validate(common.model_dump() | plain | published)


def in_words(settings: Optimisation) -> str:
    """An optimiser in a few words."""
    momentum = f", {'Nesterov ' if settings.nesterov else ''}momentum {settings.momentum:g}"
    clipped = f", clipped at {settings.gradient_clip:g}" if settings.gradient_clip else ""
    rate = f"{settings.optimiser} {settings.learning_rate:g}{momentum if settings.momentum else ''}"
    return f"{rate}, decay {settings.weight_decay:g}{clipped}, {settings.schedule}"
