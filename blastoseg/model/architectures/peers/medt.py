"""Medical Transformer (Valanarasu 2021): gated axial attention over the image and over its tiles."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import convolution_unit
from blastoseg.model.architectures.peers.axial_attention import AxialBlock

GRID = 4
STEM_CHANNELS = 128
LOCAL_BLOCKS = (1, 2, 4, 1)


class MedT(SegmentingNetwork):
    """``planes`` channels of the first stage's attention; positions are learnt for an input of ``side``."""

    def __init__(self, planes: int, groups: int, classes: int, side: int) -> None:
        super().__init__()
        self.whole = GlobalBranch(planes, groups, side // 2)
        self.tiles = LocalBranch(planes, groups)
        self.logits = nn.Sequential(
            nn.Conv2d(planes, planes, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(planes, classes, 1)
        )

    @property
    def input_multiple(self) -> int:
        return 16 * GRID

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        return [self.logits(self.whole(image) + join_tiles(self.tiles(cut_tiles(image))))]


def cut_tiles(image: Tensor) -> Tensor:
    """The tiles of a grid of 4 x 4, row by row, in one batch: ``(16 N, C, H / 4, W / 4)``."""
    rows = torch.unflatten(torch.unflatten(image, 2, (GRID, -1)), 4, (GRID, -1))
    return rows.permute(0, 2, 4, 1, 3, 5).flatten(0, 2)


def join_tiles(tiles: Tensor) -> Tensor:
    """What ``cut_tiles`` cut, put together again: ``(N, C, H, W)``."""
    grid = torch.unflatten(tiles, 0, (-1, GRID, GRID))
    return grid.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


class GlobalBranch(nn.Module):
    """The whole image, down to a quarter of its side; ``length`` is half the side of the training images."""

    def __init__(self, planes: int, groups: int, length: int) -> None:
        super().__init__()
        self.stem = _stem(planes // 2)
        self.at_half = AxialBlock(planes // 2, planes, groups, stride=1, length=length)
        self.at_quarter = nn.Sequential(
            AxialBlock(2 * planes, 2 * planes, groups, stride=2, length=length),
            AxialBlock(4 * planes, 2 * planes, groups, stride=1, length=length // 2),
        )
        self.decode_quarter = nn.Conv2d(4 * planes, 2 * planes, 3, padding=1)
        self.decode_half = nn.Conv2d(2 * planes, planes, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, planes, H, W)`` of an ``(N, 1, H, W)`` image."""
        half = self.at_half(self.stem(image))
        up = _relu_at(self.decode_quarter(self.at_quarter(half)), half) + half
        return _relu_at(self.decode_half(up), image)


class LocalBranch(nn.Module):
    """The same of a tile, down to a sixteenth of its side and without positions."""

    def __init__(self, planes: int, groups: int) -> None:
        super().__init__()
        self.stem = _stem(4 * planes)
        stages, inputs = [], 4 * planes
        for place, count in enumerate(LOCAL_BLOCKS):
            width = planes * 2**place
            first = AxialBlock(inputs, width, groups, stride=1 if place == 0 else 2, length=None)
            inputs = 2 * width
            rest = (AxialBlock(inputs, width, groups, stride=1, length=None) for _ in range(count - 1))
            stages.append(nn.Sequential(first, *rest))
        self.stages = nn.ModuleList(stages)
        self.deepen = nn.Conv2d(inputs, inputs, 3, stride=2, padding=1)
        self.decoders = nn.ModuleList(
            nn.Conv2d(inputs // 2**place, inputs // 2 ** (place + 1), 3, padding=1)
            for place in range(len(LOCAL_BLOCKS))
        )

    def forward(self, tile: Tensor) -> Tensor:
        """``(N, planes, h, w)`` of ``(N, 1, h, w)`` tiles."""
        maps = [self.stem(tile)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        current: Tensor = _relu_at(self.deepen(maps[-1]), maps[-1]) + maps[-1]
        for decoder, finer in zip(self.decoders, [*maps[-2:0:-1], None], strict=True):
            current = decoder(current)
            current = _relu_at(current, tile) if finer is None else _relu_at(current, finer) + finer
        return current


def _stem(outputs: int) -> nn.Sequential:
    """Three convolutions, the first 7x7 in steps of 2."""
    return nn.Sequential(
        nn.Conv2d(1, outputs, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        *convolution_unit(outputs, STEM_CHANNELS),
        *convolution_unit(STEM_CHANNELS, outputs),
    )


def _relu_at(features: Tensor, other: Tensor) -> Tensor:
    """The ReLU of a map brought to the size of another."""
    return F.relu(bring_to_size(features, other.shape[-2], other.shape[-1]))
