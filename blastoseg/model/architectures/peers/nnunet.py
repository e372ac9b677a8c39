"""The network of nnU-Net (Isensee 2021) from MONAI's DynUNet, with the logit maps of its deep supervision."""

from collections.abc import Sequence

from torch import Tensor

from blastoseg.model.architectures.contract import SegmentingNetwork, check_input_shape
from blastoseg.model.architectures.monai import monai_network

SUPERVISED_LEVELS = 4
"""Below the finest: the two coarsest of nnU-Net's levels have no logits of their own."""


class NNUNet(SegmentingNetwork):
    """A U-Net of instance normalisation, leaky ReLU and strided convolutions; five logit maps."""

    def __init__(self, filters: Sequence[int], classes: int, input_multiple: int) -> None:
        super().__init__()
        levels = len(filters)
        self._input_multiple = input_multiple
        self.network = monai_network("dynunet", "DynUNet")(
            spatial_dims=2,
            in_channels=1,
            out_channels=classes,
            kernel_size=[3] * levels,
            strides=[1] + [2] * (levels - 1),
            upsample_kernel_size=[2] * (levels - 1),
            filters=list(filters),
            deep_supervision=True,
            deep_supr_num=SUPERVISED_LEVELS,
        )
        # It names every layer a second time, and a file of weights holds each tensor once.
        del self.network.skip_layers

    @property
    def input_multiple(self) -> int:
        return self._input_multiple

    def forward(self, image: Tensor) -> list[Tensor]:
        check_input_shape(image, self.input_multiple)
        layers = self.network
        features = [layers.input_block(image)]
        for down in layers.downsamples:
            features.append(down(features[-1]))
        current = layers.bottleneck(features[-1])
        decoded: list[Tensor] = []
        for up, skip in zip(layers.upsamples, reversed(features), strict=True):
            current = up(current, skip)
            decoded.insert(0, current)
        coarser = zip(layers.deep_supervision_heads, decoded[1:], strict=False)
        return [layers.output_block(decoded[0]), *(head(level) for head, level in coarser)]
