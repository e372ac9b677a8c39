"""Gated axial attention (Valanarasu 2021): self-attention along one axis, with learned relative positions."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL_GATE = 0.1
"""Where the gates of the positional terms begin; that of the plain values begins at 1."""


class AxialAttention(nn.Module):
    """Attention of each row (or column) of a map ``(N, C, y, x)`` over itself, in ``groups`` heads.

    A quarter of each group's channels of the projection are queries, a quarter keys, half values. With a
    ``length`` positions take part: a table of ``2 * length - 1`` relative places, resized (linear) for
    rows of another length.
    """

    def __init__(self, channels: int, groups: int, along_height: bool, length: int | None) -> None:
        super().__init__()
        self.groups, self.along_height = groups, along_height
        self.terms = 1 if length is None else 3
        self.project = nn.Sequential(
            nn.Conv1d(channels, 2 * channels, 1, bias=False), nn.BatchNorm1d(2 * channels)
        )
        self.similarity_norm = TermNorm(self.terms, groups)
        self.output_norm = nn.BatchNorm1d(channels if length is None else 2 * channels)
        self.per_group = channels // groups
        if length is not None:
            self.places = nn.Parameter(torch.randn(2 * self.per_group, 2 * length - 1))
            nn.init.normal_(self.places, std=(1 / self.per_group) ** 0.5)
            self.query_gate = nn.Parameter(torch.tensor(SMALL_GATE))
            self.key_gate = nn.Parameter(torch.tensor(SMALL_GATE))
            self.place_gate = nn.Parameter(torch.tensor(SMALL_GATE))
            self.value_gate = nn.Parameter(torch.tensor(1.0))

    def forward(self, features: Tensor) -> Tensor:
        """A map of the shape of ``features``."""
        order = (0, 3, 1, 2) if self.along_height else (0, 2, 1, 3)
        rows = features.permute(order)
        attended = torch.unflatten(self._attend(rows.flatten(0, 1)), 0, rows.shape[:2])
        return attended.permute((0, 2, 3, 1) if self.along_height else (0, 2, 1, 3))

    def _attend(self, rows: Tensor) -> Tensor:
        """``(rows, C, length)`` to the same."""
        half = self.per_group // 2
        grouped = torch.unflatten(self.project(rows), 1, (self.groups, 2 * self.per_group))
        query, key, value = torch.split(grouped, [half, half, self.per_group], dim=2)
        if self.terms == 1:
            (scale,) = self.similarity_norm([(query, key)])
            weights = torch.softmax(torch.einsum("bgci,bgcj->bgij", query * scale, key), dim=-1)
            plain = torch.einsum("bgij,bgcj->bgci", weights, value)
            normed: Tensor = self.output_norm(plain.flatten(1, 2))
            return normed
        of_query, of_key, of_value = torch.split(self._relative(rows.shape[-1]), [half, half, self.per_group])
        gated_query, gated_key = query * self.query_gate, key * self.key_gate
        pairs = [(query, key), (gated_query, of_query), (gated_key, of_key)]
        by_pair, by_query, by_key = self.similarity_norm(pairs)
        similar = torch.einsum("bgci,bgcj->bgij", query * by_pair, key)
        similar = similar + in_order(torch.einsum("bgci,cij->bgij", gated_query * by_query, of_query))
        to_keys = in_order(torch.einsum("bgcj,cji->bgji", gated_key * by_key, of_key))
        similar = similar + in_order(to_keys.transpose(-1, -2))
        weights = torch.softmax(similar, dim=-1)
        plain = torch.einsum("bgij,bgcj->bgci", weights, value) * self.value_gate
        placed = torch.einsum("bgij,cij->bgci", in_order(weights), of_value) * self.place_gate
        both = self.output_norm(torch.cat([plain, placed], dim=1).flatten(1, 2))
        return torch.unflatten(both, 1, (2, -1)).sum(dim=1)

    def _relative(self, length: int) -> Tensor:
        """What the table says of each pair of places: ``(channel, to, from)``."""
        table: Tensor = self.places
        if table.shape[1] != 2 * length - 1:
            table = F.interpolate(table[None], size=2 * length - 1, mode="linear", align_corners=True)[0]
        place = torch.arange(length, device=table.device)
        return table[:, place[:, None] - place[None, :] + length - 1]


def in_order(values: Tensor) -> Tensor:
    """The same values, lying in memory in the order of their dimensions, and so their gradient.

    A product with a table of places comes with the places outermost. Maps of all pairs that lie in
    different orders cost several times as much to add as to compute.
    """
    ordered = values.contiguous().view_as(values)  # a tensor of its own, for the gradient of this use alone
    if torch.is_grad_enabled() and ordered.requires_grad:
        ordered.register_hook(Tensor.contiguous)  # type: ignore[no-untyped-call]
    return ordered


class TermNorm(nn.Module):
    """BatchNorm of the terms of a similarity, as far as a softmax sees it: what multiplies each of them.

    A term is the product of two thin factors, and its variance follows from theirs. So the scale multiplies a
    factor, and nothing as large as a term is made but their sum. A mean or a bias is nothing to a softmax.
    The variance in training is that of a process's own batch, also where several train together.
    """

    running_var: Tensor

    def __init__(self, terms: int, groups: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.shape, self.momentum, self.eps = (terms, 1, groups, 1, 1), momentum, eps
        self.weight = nn.Parameter(torch.ones(terms * groups))
        self.register_buffer("running_var", torch.ones(terms * groups))

    def forward(self, pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
        """Scales ``(terms, 1, groups, 1, 1)`` of the terms, each given as its pair of factors."""
        variance = self.running_var
        if self.training:
            query = pairs[0][0]
            # Sums over so many products need all digits; a network that is only described has no autocast.
            kind = "cpu" if query.is_meta else query.device.type
            with torch.autocast(kind, enabled=False):
                variance = torch.cat([_variance(one.float(), other.float()) for one, other in pairs])
            count = query.shape[0] * query.shape[-1] ** 2
            with torch.no_grad():
                self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        return (self.weight * torch.rsqrt(variance + self.eps)).reshape(self.shape)


def _variance(one: Tensor, other: Tensor) -> Tensor:
    """The variance, by group, of the products of two factors, without making these.

    ``one`` is ``(rows, groups, channels, place)``; ``other`` has the same shape, or is the table of all rows,
    ``(channels, place, place)``.
    """
    if one.ndim == other.ndim:
        sums = torch.einsum("bgc,bgc->g", one.sum(-1), other.sum(-1))
        of_one = torch.einsum("bgci,bgdi->bgcd", one, one)
        squares = torch.einsum("bgcd,bgcd->g", of_one, torch.einsum("bgcj,bgdj->bgcd", other, other))
    else:
        sums = torch.einsum("gci,ci->g", one.sum(0), other.sum(-1))
        of_one = torch.einsum("bgci,bgdi->gcdi", one, one)
        squares = torch.einsum("gcdi,cdi->g", of_one, torch.einsum("cij,dij->cdi", other, other))
    count = one.shape[0] * one.shape[-1] ** 2
    return (squares / count - (sums / count).square()).clamp_min(0)


class AxialBlock(nn.Module):
    """1x1 down, attention along height and then width, 1x1 up to twice ``planes``; a shortcut around them.

    Without ``length`` there are no positions, and a second 1x1 behind the first.
    """

    def __init__(self, inputs: int, planes: int, groups: int, stride: int, length: int | None) -> None:
        super().__init__()
        extra = [nn.Conv2d(planes, planes, 1, bias=False)] if length is None else []
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, planes, 1, bias=False),
            *extra,
            nn.BatchNorm2d(planes),
            nn.ReLU(inplace=True),
            AxialAttention(planes, groups, along_height=True, length=length),
            AxialAttention(planes, groups, along_height=False, length=length),
            nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(planes, 2 * planes, 1, bias=False),
            nn.BatchNorm2d(2 * planes),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != 2 * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, 2 * planes, 1, stride=stride, bias=False), nn.BatchNorm2d(2 * planes)
            )

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(self.layers(features) + self.shortcut(features))
