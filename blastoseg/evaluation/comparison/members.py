"""The networks that are compared: names as in the paper's Table 2, and the rows of its Table 1."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from blastoseg.errors import UsageError
from blastoseg.model.architectures.configuration import Width
from blastoseg.model.architectures.registry import SEGMENTERS

BASELINE = "i2cnet"
"""What every other network is tested against."""
ALL = "all"

SHOWN = {
    "i2cnet": "I2CNet",
    "unet": "U-Net",
    "attention-unet": "Attention U-Net",
    "unet-plus-plus": "UNet++",
    "nnunet": "nnU-Net architecture",
    "deeplabv3-plus": "DeepLabv3+",
    "setr": "SETR-PUP, ViT-B/16",
    "transunet": "TransUNet",
    "swin-unet": "Swin-UNet",
    "unet3-plus": "UNet 3+",
    "pranet": "PraNet, adapted to five classes",
    "medt": "MedT",
    "blast-net": "Blast-Net (our reconstruction)",
    "i2cnet-lite": "I2CNet on EfficientNet-Lite",
    "i2cnet-before-pool": "I2CNet, features before the pool",
    "i2cnet-backbone": "backbone",
    "i2cnet-intra": "+ intra-class context",
    "i2cnet-inter": "+ inter-class context",
    "i2cnet-unweighted": "+ both, not weighted",
}
"""What the tables call a network."""

FORMS: dict[str, dict[str, bool]] = {
    "i2cnet-before-pool": {"features_before_pool": True, "logit_relu": False},
}
"""I2CNet in the form that the bundled weights have, which the paper has not; compared where it is named."""

NOT_IN_THE_PAPER = frozenset({"i2cnet-lite"})
"""Networks that are compared where they are named; ``all`` are those of the paper."""

ABLATION: dict[str, dict[str, bool]] = {
    "i2cnet-backbone": {"intra": False, "inter": False, "weighting": False},
    "i2cnet-intra": {"intra": True, "inter": False, "weighting": False},
    "i2cnet-inter": {"intra": False, "inter": True, "weighting": True},
    "i2cnet-unweighted": {"intra": True, "inter": True, "weighting": False},
    BASELINE: {},
}
"""The rows of Table 1; the last is I2CNet itself."""

VARIANTS = FORMS | ABLATION
"""What is I2CNet with other settings."""


@dataclass(frozen=True, slots=True)
class Member:
    """One network of a comparison: its name there, its architecture, and the settings of it."""

    name: str
    architecture: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What the tables call it."""
        return SHOWN.get(self.name, self.name)

    @property
    def level_weights(self) -> tuple[float, ...] | None:
        """The weights of the loss of its maps, where its paper says some."""
        return SEGMENTERS.configure(self.architecture, self.settings).level_weights


def members_of(networks: str, ablation: bool, width: Width, side: int) -> tuple[Member, ...]:
    """The networks of a list such as ``all`` or ``i2cnet,unet``, and Table 1's rows where they are wanted.

    Raises UsageError, with the choices, for an unknown name or a side that a network cannot take.
    """
    wanted = (
        [name for name in SEGMENTERS if name not in NOT_IN_THE_PAPER]
        if networks == ALL
        else [name.strip() for name in networks.split(",")]
    )
    known = [*SEGMENTERS, *VARIANTS]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        choices = ", ".join(dict.fromkeys(known))
        raise UsageError(f"--networks: {unknown[0]!r} is no network: choose {ALL}, or some of {choices}")
    names = dict.fromkeys([*wanted, *(ABLATION if ablation else ())])
    return tuple(_member(name, width, side) for name in names)


def _member(name: str, width: Width, side: int) -> Member:
    architecture = BASELINE if name in VARIANTS else name
    settings = SEGMENTERS.described(architecture).settings_at(width, side) | VARIANTS.get(name, {})
    try:
        SEGMENTERS.configure(architecture, settings).check_side(side)
    except ValueError as error:
        raise UsageError(f"{name} does not take the recipe's input_size of {side}: {error}") from error
    return Member(name, architecture, settings)


def in_order(names: Sequence[str]) -> list[str]:
    """Names as the tables show them: I2CNet, the others as the registry has them, its other form, Table 1."""
    order = list(dict.fromkeys([*SEGMENTERS, *VARIANTS]))
    return sorted(dict.fromkeys(names), key=lambda name: order.index(name) if name in order else len(order))
