"""A vision transformer (Dosovitskiy 2021) over a map of features: what SETR and TransUNet have in common."""

import torch
from torch import Tensor, nn

from blastoseg.model.architectures.contract import bring_to_size


class Transformer(nn.Module):
    """Learned positions, pre-norm blocks with an MLP four times as wide, LayerNorm. No class token.

    Positions are learnt on a square of ``grid`` tokens a side, and resized (bilinear) for another.
    """

    def __init__(self, width: int, heads: int, layers: int, grid: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.zeros(1, width, grid, grid))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                heads,
                dim_feedforward=4 * width,
                dropout=dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, features: Tensor) -> Tensor:
        """A map ``(N, width, y, x)`` of tokens to one of the same shape."""
        height, width = features.shape[-2:]
        placed = features + bring_to_size(self.positions, height, width)
        tokens = self.dropout(placed.flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens = block(tokens)
        return torch.unflatten(self.norm(tokens).transpose(1, 2), 2, (height, width)).contiguous()
