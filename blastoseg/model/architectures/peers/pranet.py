"""PraNet (Fan 2020), written from its paper: a coarse map of the deep stages, sharpened where it says no."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import initialise
from blastoseg.model.architectures.peers.res2net import EXPANSION, Res2Net

DEEP_STAGES = 3


class PraNet(SegmentingNetwork):
    """``base`` channels in the encoder's first stage, ``channels`` in the receptive field blocks."""

    def __init__(self, base: int, channels: int, classes: int) -> None:
        super().__init__()
        self.encoder = Res2Net(base)
        widths = [EXPANSION * base * 2**place for place in range(1, DEEP_STAGES + 1)]
        self.fields = nn.ModuleList(ReceptiveField(width, channels) for width in widths)
        self.coarse = PartialDecoder(channels, classes)
        inner = [2 * channels, 2 * channels, 8 * channels]
        kernels = [(3, 2, 3), (3, 2, 3), (5, 3, 1)]
        self.reverse = nn.ModuleList(
            ReverseAttention(width, narrow, classes, shape)
            for width, narrow, shape in zip(widths, inner, kernels, strict=True)
        )
        initialise(self)

    @property
    def input_multiple(self) -> int:
        return 32

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        stages = self.encoder(image)[-DEEP_STAGES:]
        logits = self.coarse([field(stage) for field, stage in zip(self.fields, stages, strict=True)])
        maps = [logits]
        for attention, stage in zip(reversed(self.reverse), reversed(stages), strict=True):
            logits = attention(stage, bring_to_size(logits, stage.shape[-2], stage.shape[-1]))
            maps.insert(0, logits)
        return [bring_to_size(one, image.shape[-2], image.shape[-1]) for one in maps]


class ReceptiveField(nn.Module):
    """Four branches of growing kernels and dilations, joined, and a shortcut (RFB, Liu 2018)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_unit(inputs, outputs, (1, 1))])
        for size in (3, 5, 7):
            self.branches.append(
                nn.Sequential(
                    *_unit(inputs, outputs, (1, 1)),
                    *_unit(outputs, outputs, (1, size)),
                    *_unit(outputs, outputs, (size, 1)),
                    *_unit(outputs, outputs, (3, 3), dilation=size),
                )
            )
        self.join = _unit(4 * outputs, outputs, (3, 3))
        self.shortcut = _unit(inputs, outputs, (1, 1))

    def forward(self, features: Tensor) -> Tensor:
        joined = self.join(torch.cat([branch(features) for branch in self.branches], dim=1))
        return F.relu(joined + self.shortcut(features))


class PartialDecoder(nn.Module):
    """The coarse logits, at the size of the finest of three deep maps, which multiply each other."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.gates = nn.ModuleList(_unit(channels, channels, (3, 3)) for _ in range(4))
        self.widen = _unit(2 * channels, 2 * channels, (3, 3))
        self.join_two = _unit(2 * channels, 2 * channels, (3, 3))
        self.join_three = _unit(3 * channels, 3 * channels, (3, 3))
        self.logits = nn.Sequential(
            *_unit(3 * channels, 3 * channels, (3, 3)), nn.Conv2d(3 * channels, classes, 1)
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        """``maps`` finest first, each of half the side of the one before."""
        finest, middle, deepest = maps
        up = self.up
        gated = self.gates[0](up(deepest)) * middle
        twice = self.gates[1](up(up(deepest))) * self.gates[2](up(middle)) * finest
        two = self.join_two(torch.cat([gated, self.gates[3](up(deepest))], dim=1))
        three = self.join_three(torch.cat([twice, self.widen(up(two))], dim=1))
        logits: Tensor = self.logits(three)
        return logits


class ReverseAttention(nn.Module):
    """What to add to the logits of the deeper map, from the features where that sees no foreground.

    ``shape``: the kernel of the inner convolutions, their number, the kernel of the last.
    """

    def __init__(self, inputs: int, inner: int, classes: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        size, count, last = shape
        layers: list[nn.Module] = [*_unit(inputs, inner, (1, 1))]
        for _ in range(count):
            layers += [*_unit(inner, inner, (size, size)), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(inner, classes, last, padding=last // 2))

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        # Background is the last channel. A gate a class would need features for each.
        foreground = torch.softmax(logits, dim=1)[:, :-1].amax(dim=1, keepdim=True)
        added: Tensor = self.layers((1 - foreground) * features)
        return logits + added


def _unit(inputs: int, outputs: int, kernel: tuple[int, int], dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps the size, and BatchNorm."""
    padding = (dilation * (kernel[0] // 2), dilation * (kernel[1] // 2))
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
