"""Swin-UNet (Cao 2021), written from its paper: windows of MONAI's Swin blocks down and up again."""

import torch
from torch import Tensor, nn

from blastoseg.model.architectures.contract import SegmentingNetwork, check_input_shape
from blastoseg.model.architectures.monai import monai_network

PATCH = 4
DEPTH = 2
STAGES = 4
DROP_PATH = 0.1


class SwinUNet(SegmentingNetwork):
    """``width`` channels and ``heads`` in the first stage, doubled from stage to stage."""

    def __init__(self, width: int, heads: int, classes: int, window: int) -> None:
        super().__init__()
        self.window = window
        widths = [width * 2**stage for stage in range(STAGES)]
        self.patches = nn.Conv2d(1, width, PATCH, stride=PATCH)
        self.patches_norm = nn.LayerNorm(width)
        self.down = nn.ModuleList(Stage(stage, widths[stage], heads, window) for stage in range(STAGES))
        merging = monai_network("swin_unetr", "PatchMerging")
        self.merges = nn.ModuleList(merging(dim=channels, spatial_dims=2) for channels in widths[:-1])
        self.deepest_norm = nn.LayerNorm(widths[-1])
        self.expands = nn.ModuleList(Expand(channels, 2, channels // 2) for channels in widths[:0:-1])
        self.joins = nn.ModuleList(nn.Linear(2 * channels, channels) for channels in widths[-2::-1])
        self.up = nn.ModuleList(
            Stage(stage, widths[stage], heads, window) for stage in range(STAGES - 2, -1, -1)
        )
        self.finest_norm = nn.LayerNorm(width)
        self.to_pixels = Expand(width, PATCH, width)
        self.logits = nn.Conv2d(width, classes, 1, bias=False)

    @property
    def input_multiple(self) -> int:
        return int(self.window * PATCH * 2 ** (STAGES - 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        tokens = self.patches_norm(self.patches(image).permute(0, 2, 3, 1))
        skips = []
        for place, stage in enumerate(self.down):
            tokens = stage(tokens)
            if place < len(self.merges):
                skips.append(tokens)
                tokens = self.merges[place](tokens)
        tokens = self.deepest_norm(tokens)
        for expand, join, stage in zip(self.expands, self.joins, self.up, strict=True):
            tokens = stage(join(torch.cat([expand(tokens), skips.pop()], dim=-1)))
        pixels = self.to_pixels(self.finest_norm(tokens))
        return [self.logits(pixels.permute(0, 3, 1, 2))]


class Expand(nn.Module):
    """Each token becomes ``factor`` x ``factor`` tokens of ``outputs`` channels: ``(N, y, x, C)``."""

    def __init__(self, inputs: int, factor: int, outputs: int) -> None:
        super().__init__()
        self.factor = factor
        self.widen = nn.Linear(inputs, factor * factor * outputs, bias=False)
        self.norm = nn.LayerNorm(outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        wide = torch.unflatten(self.widen(tokens), -1, (self.factor, self.factor, -1))
        spread: Tensor = self.norm(wide.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2))
        return spread


class Stage(nn.Module):
    """Two blocks over ``(N, y, x, C)``, the second with windows shifted by half of their side."""

    def __init__(self, stage: int, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.window, self.shift = (window, window), (window // 2, window // 2)
        block = monai_network("swin_unetr", "SwinTransformerBlock")
        self.blocks = nn.ModuleList(
            block(
                dim=width,
                num_heads=heads * 2**stage,
                window_size=self.window,
                shift_size=self.shift if place % 2 else (0, 0),
                qkv_bias=True,
                # Deeper blocks are skipped more often in training.
                drop_path=DROP_PATH * (DEPTH * stage + place) / (DEPTH * STAGES - 1),
            )
            for place in range(DEPTH)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        size = tokens.shape[1:3]
        # A map of one window has nothing to shift to.
        shift = [step if side > self.window[0] else 0 for side, step in zip(size, self.shift, strict=True)]
        mask = monai_network("swin_unetr", "compute_mask")(size, self.window, shift, tokens.device)
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens
