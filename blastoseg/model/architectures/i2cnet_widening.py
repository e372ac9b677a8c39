"""A wider I2CNet that computes what a narrow one does: training goes on from there, not from nothing.

Channels are copied and what leaves them is shared among the copies (Net2Net, Chen 2016). The class contexts
gate channels by their place, so a copy must stand in its class's group.
"""

from dataclasses import asdict, dataclass, replace

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from blastoseg.model.architectures.context import group_sizes
from blastoseg.model.architectures.i2cnet_config import I2CNetConfig

SYMMETRY_NOISE = 0.05
"""Spread of what is added to copied weights, over that of the weights: equal copies would learn the same."""
UNEVEN = (0.7, 1.3)
"""Range of the uneven shares in which what leaves a channel is parted among its copies."""


def can_widen(narrow: I2CNetConfig, wide: I2CNetConfig) -> bool:
    """Whether they differ by more channels only, enough of them for each class's group to hold its copies."""
    if (
        replace(narrow, base_channels=wide.base_channels) != wide
        or wide.base_channels <= narrow.base_channels
    ):
        return False
    try:
        for level in range(narrow.levels - 1):
            _gated_copies(narrow.base_channels * 2**level, wide.base_channels * 2**level, narrow.classes)
    except ValueError:
        return False
    return True


def widen(
    state: dict[str, Tensor],
    narrow: I2CNetConfig,
    wide: I2CNetConfig,
    noise: float = SYMMETRY_NOISE,
    seed: int = 0,
) -> dict[str, Tensor]:
    """The state of an I2CNet ``wide`` whose logits are, in eval mode, those of ``narrow`` with ``state``.

    With ``noise`` above 0 copies differ a little, and the logits with them. Raises ValueError where
    ``can_widen`` says no.
    """
    if not can_widen(narrow, wide):
        raise ValueError(f"{asdict(narrow)} cannot be widened to {asdict(wide)}")
    return _Widening(state, narrow, wide, noise=noise, random=torch.Generator().manual_seed(seed)).state()


@dataclass(frozen=True, slots=True)
class _Copies:
    """Of which narrow channel each wide one is a copy; which copies the two gates treat as the original."""

    of: Tensor
    intra: Tensor
    inter: Tensor


def _plain_copies(narrow: int, wide: int) -> _Copies:
    everywhere = torch.ones(wide, dtype=torch.bool)
    return _Copies(torch.arange(wide) % narrow, everywhere, everywhere)


def _groups(channels: int, groups: int) -> Tensor:
    return torch.repeat_interleave(torch.tensor(group_sizes(channels, groups)))


def _gated_copies(narrow: int, wide: int, classes: int) -> _Copies:
    """Copies such that each channel has one in its intra-class group and one in its inter-class group.

    One copy serves both gates where the groups allow it. Raises ValueError where a channel gets none.
    """
    own = [_groups(narrow, classes), _groups(narrow, classes - 1)]
    new = [_groups(wide, classes), _groups(wide, classes - 1)]
    intra, inter = (mine[:, None] == there[None, :] for mine, there in zip(own, new, strict=True))
    of = torch.full((wide,), -1)
    channels, places = _matched(intra & inter)
    of[places] = channels
    left = torch.tensor([channel for channel in range(narrow) if channel not in set(channels.tolist())])
    free = torch.nonzero(of < 0).flatten()
    if len(left):
        wanted = torch.cat([intra[left][:, free], inter[left][:, free]])
        needs, places = _matched(wanted)
        if len(needs) < len(wanted):
            raise ValueError(f"{narrow} channels do not fit into {wide} by groups of {classes} classes")
        of[free[places]] = torch.cat([left, left])[needs]
    for turn, place in enumerate(torch.nonzero(of < 0).flatten()):
        alike = torch.nonzero(intra[:, place]).flatten()
        of[place] = alike[turn % len(alike)]
    return _Copies(of, own[0][of] == new[0], own[1][of] == new[1])


def _matched(fits: Tensor) -> tuple[Tensor, Tensor]:
    """As many pairs (row, column) that fit as can be, each row and column in one at most."""
    rows, columns = (torch.from_numpy(ends) for ends in linear_sum_assignment(fits.numpy(), maximize=True))
    fit = fits[rows, columns]
    return rows[fit], columns[fit]


class _Widening:
    def __init__(
        self,
        narrow: dict[str, Tensor],
        config: I2CNetConfig,
        wide: I2CNetConfig,
        random: torch.Generator,
        noise: float,
    ) -> None:
        self.narrow, self.config, self.random, self.noise = narrow, wide, random, noise
        sides = [(config.base_channels * 2**n, wide.base_channels * 2**n) for n in range(wide.levels)]
        self.inner = [_plain_copies(*side) for side in sides]
        self.features = [*(_gated_copies(*side, wide.classes) for side in sides[:-1]), self.inner[-1]]

    def state(self) -> dict[str, Tensor]:
        wide = dict(self.narrow)
        for level in range(self.config.levels):
            wide |= self._encoder(level) | self._head(level)
            if level + 1 < self.config.levels:
                wide |= self._context(level)
        return {name: value.clone().contiguous() for name, value in wide.items()}

    def _encoder(self, level: int) -> dict[str, Tensor]:
        block, inner, features = f"encoder.blocks.{level}", self.inner[level], self.features[level]
        before = self.features[level - 1] if level else None
        return (
            {f"{block}.0.weight": self._convolution(f"{block}.0.weight", inner, before)}
            | self._rows(f"{block}.1", inner)
            | {f"{block}.3.weight": self._convolution(f"{block}.3.weight", features, inner)}
            | self._rows(f"{block}.4", features)
        )

    def _head(self, level: int) -> dict[str, Tensor]:
        head, inner = f"heads.{level}.squeeze", self.inner[level]
        return self._rows(f"{head}.0", inner) | {
            f"{head}.0.weight": self._convolution(f"{head}.0.weight", inner, inner),
            f"{head}.2.weight": self._convolution(f"{head}.2.weight", None, inner),
        }

    def _context(self, level: int) -> dict[str, Tensor]:
        context, inner, features = f"contexts.{level}", self.inner[level], self.features[level]
        wide: dict[str, Tensor] = self._rows(f"{context}.fuse", inner)
        used = [name for name in ("intra", "inter") if f"{context}.{name}.weight" in self.narrow]
        for name in used:
            gate = {"intra": features.intra, "inter": features.inter if self.config.weighting else None}[name]
            weight = self._convolution(f"{context}.{name}.weight", inner, features, gate)
            wide |= self._rows(f"{context}.{name}", inner) | {f"{context}.{name}.weight": weight}
        fuse = self.narrow[f"{context}.fuse.weight"]
        if used:
            parts = [self._shared(part, inner) for part in fuse.chunk(len(used), dim=1)]
        else:
            own = int(features.of.max()) + 1
            parts = [self._shared(fuse[:, :own], features), fuse[:, own:]]
        return wide | {f"{context}.fuse.weight": self._copied(torch.cat(parts, dim=1), inner)}

    def _rows(self, layer: str, outputs: _Copies) -> dict[str, Tensor]:
        """One value a channel, copied: biases, and all of a BatchNorm."""
        names = ("weight", "bias", "running_mean", "running_var")
        values = {name: self.narrow.get(f"{layer}.{name}") for name in names}
        return {
            f"{layer}.{name}": value[outputs.of]
            for name, value in values.items()
            if value is not None and value.dim() == 1
        }

    def _convolution(
        self, name: str, outputs: _Copies | None, inputs: _Copies | None, gate: Tensor | None = None
    ) -> Tensor:
        weight = self.narrow[name]
        if inputs is not None:
            weight = self._shared(weight, inputs, gate)
        return weight if outputs is None else self._copied(weight, outputs)

    def _shared(self, weight: Tensor, inputs: _Copies, gate: Tensor | None = None) -> Tensor:
        """An input's weight parted among its copies, unevenly; a copy outside its gate gets nothing."""
        shares = torch.empty(len(inputs.of)).uniform_(*UNEVEN, generator=self.random)
        if gate is not None:
            shares = shares * gate
        parted = shares / torch.bincount(inputs.of, shares)[inputs.of]
        return weight[:, inputs.of] * parted.view(1, -1, 1, 1)

    def _copied(self, weight: Tensor, outputs: _Copies) -> Tensor:
        """The weights of each output once for every copy; those that have company get a little noise."""
        company = (torch.bincount(outputs.of)[outputs.of] > 1).view(-1, 1, 1, 1)
        copied = weight[outputs.of]
        noise = torch.randn(copied.shape, generator=self.random) * copied.std() * self.noise
        return copied + noise * company
