"""SETR-PUP (Zheng 2021): tokens of 16x16 pixels, twelve transformer layers, four steps up."""

from torch import Tensor, nn

from blastoseg.model.architectures.contract import SegmentingNetwork, bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import convolution_unit
from blastoseg.model.architectures.peers.vit import Transformer

PATCH = 16
LAYERS = 12
STEPS = 4


class SETR(SegmentingNetwork):
    """``channels`` in the head, whose last step up comes behind the logits."""

    def __init__(self, width: int, heads: int, channels: int, classes: int, grid: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, width, PATCH, stride=PATCH)
        self.transformer = Transformer(width, heads, LAYERS, grid)
        self.steps = nn.ModuleList(
            nn.Sequential(*convolution_unit(inputs, channels))
            for inputs in [width, *[channels] * (STEPS - 1)]
        )
        self.logits = nn.Conv2d(channels, classes, 1)

    @property
    def input_multiple(self) -> int:
        return PATCH

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        current = self.transformer(self.patches(image))
        for place, step in enumerate(self.steps):
            current = step(current)
            if place == STEPS - 1:
                current = self.logits(current)
            current = bring_to_size(current, 2 * current.shape[-2], 2 * current.shape[-1])
        return [current]
