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
        self.similarity_norm = nn.BatchNorm2d(self.terms * groups)
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
        similar = torch.einsum("bgci,bgcj->bgij", query, key)
        if self.terms == 1:
            weights = torch.softmax(self.similarity_norm(similar), dim=-1)
            plain = torch.einsum("bgij,bgcj->bgci", weights, value)
            normed: Tensor = self.output_norm(plain.flatten(1, 2))
            return normed
        of_query, of_key, of_value = torch.split(self._relative(rows.shape[-1]), [half, half, self.per_group])
        by_query = torch.einsum("bgci,cij->bgij", query, of_query) * self.query_gate
        by_key = torch.einsum("bgci,cij->bgij", key, of_key).transpose(2, 3) * self.key_gate
        terms = self.similarity_norm(torch.cat([similar, by_query, by_key], dim=1))
        weights = torch.softmax(torch.unflatten(terms, 1, (3, self.groups)).sum(dim=1), dim=-1)
        plain = torch.einsum("bgij,bgcj->bgci", weights, value) * self.value_gate
        placed = torch.einsum("bgij,cij->bgci", weights, of_value) * self.place_gate
        both = self.output_norm(torch.cat([plain, placed], dim=1).flatten(1, 2))
        return torch.unflatten(both, 1, (2, -1)).sum(dim=1)

    def _relative(self, length: int) -> Tensor:
        """What the table says of each pair of places: ``(channel, to, from)``."""
        table: Tensor = self.places
        if table.shape[1] != 2 * length - 1:
            table = F.interpolate(table[None], size=2 * length - 1, mode="linear", align_corners=True)[0]
        place = torch.arange(length, device=table.device)
        return table[:, place[:, None] - place[None, :] + length - 1]


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
