"""The encoder of I2CNet (Eq. 1): two (3x3 convolution, BatchNorm, ReLU) a level, then a max-pool by 2."""

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def convolution_unit(inputs: int, outputs: int) -> list[nn.Module]:
    """3x3 convolution, BatchNorm, ReLU. The convolution has no bias: BatchNorm would take it out again."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def pointwise_unit(inputs: int, outputs: int) -> list[nn.Module]:
    """1x1 convolution, BatchNorm, ReLU."""
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class Encoder(nn.Module):
    """Gray image to one feature map a level, ``base_channels * 2**(n - 1)`` channels at level n.

    ``before_pool`` takes level n's features before its pool (side ``H / 2**(n - 1)``), else what leaves
    the pool (side ``H / 2**n``), as in the paper.
    """

    def __init__(self, base_channels: int, levels: int, before_pool: bool) -> None:
        super().__init__()
        widths = [base_channels * 2**level for level in range(levels)]
        self.before_pool = before_pool
        self.blocks = nn.ModuleList(
            nn.Sequential(*convolution_unit(inputs, width), *convolution_unit(width, width))
            for inputs, width in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The feature maps R_E^1 .. R_E^N, finest first, of an ``(N, 1, H, W)`` image."""
        features: list[Tensor] = []
        current = image
        for level, block in enumerate(self.blocks):
            full: Tensor = block(current)
            if self.before_pool:
                features.append(full)
                if level + 1 < len(self.blocks):
                    current = self.pool(full)
            else:
                current = self.pool(full)
                features.append(current)
        return features


def initialise(module: nn.Module) -> None:
    """Kaiming initialisation of every convolution, zero biases, neutral BatchNorms."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)


def fold_batch_norms(network: nn.Module) -> None:
    """Fold every BatchNorm into the convolution before it: the same function, fewer passes over memory.

    In place, for a network in eval mode that is trained no further.
    """
    for sequence in [part for part in network.modules() if isinstance(part, nn.Sequential)]:
        for index in range(len(sequence) - 1):
            convolution, norm = sequence[index], sequence[index + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(convolution, norm)
                sequence[index + 1] = nn.Identity()


def count_parameters(module: nn.Module) -> int:
    """Number of trainable values."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
