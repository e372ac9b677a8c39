"""I2CNet rearranged for prediction: the same function with fewer, larger steps.

BatchNorms are folded into their convolutions. Between the gated features and the head's ReLU everything
is linear (intra or inter, fusion, first squeeze), so that it becomes one matrix a level.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blastoseg.model.architectures.context import ClassContext, boundary_weight
from blastoseg.model.architectures.contract import bring_to_size, check_input_shape
from blastoseg.model.architectures.encoder import fold_batch_norms
from blastoseg.model.architectures.i2cnet import I2CNet, LogitHead, class_probabilities


class InferenceI2CNet(nn.Module):
    """Predicts what the ``I2CNet`` it is made from predicts, within rounding. Takes that network apart."""

    def __init__(self, network: I2CNet) -> None:
        super().__init__()
        self.input_multiple = network.input_multiple
        fold_batch_norms(network.eval())
        self.encoder = network.encoder
        self.deepest = network.heads[-1]
        self.levels = nn.ModuleList(
            _MergedLevel(context, head)
            for context, head in zip(network.contexts, network.heads, strict=False)
            if isinstance(context, ClassContext) and isinstance(head, LogitHead)
        )

    def predict(self, image: Tensor) -> Tensor:
        """The finest logits brought to the input's size (bilinear): ``(N, K, H, W)``."""
        check_input_shape(image, self.input_multiple)
        features = self.encoder(image)
        logits: Tensor = self.deepest(features[-1])
        for level in range(len(self.levels) - 1, -1, -1):
            logits = self.levels[level](features[level], class_probabilities(logits))
        return bring_to_size(logits, image.shape[-2], image.shape[-1])


class _MergedLevel(nn.Module):
    """Context and head of one level. Works on ``(N, H, W, C)``: a pixel is one row of a matrix."""

    bias: Tensor
    squeeze: nn.Conv2d
    logits: nn.Module

    def __init__(self, context: ClassContext, head: LogitHead) -> None:
        super().__init__()
        self.weighting = context.weighting
        self.intra = _Branch(context.intra_sizes) if context.intra is not None else None
        self.inter = _Branch(context.inter_sizes) if context.inter is not None else None
        mixes, bias = _merge(context, head)
        for name, mix in zip(self._mix_names(), mixes, strict=True):
            self.register_buffer(name, mix)
        self.register_buffer("bias", bias)
        self.squeeze = cast(nn.Conv2d, head.squeeze[2])
        self.logits = head.logits[0]
        self.relu = head.relu

    def forward(self, features: Tensor, probabilities: Tensor) -> Tensor:
        rows = features.permute(0, 2, 3, 1)
        gates = probabilities.permute(0, 2, 3, 1)
        hidden = self.bias
        for name, part in zip(self._mix_names(), self._parts(rows, gates), strict=True):
            mix = self.get_buffer(name)
            hidden = F.linear(part, mix, hidden) if hidden.ndim == 1 else hidden + F.linear(part, mix)
        squeezed = F.linear(hidden.relu_(), self.squeeze.weight.flatten(1), self.squeeze.bias)
        logits: Tensor = self.logits(squeezed.permute(0, 3, 1, 2))
        return F.relu(logits) if self.relu else logits

    def _mix_names(self) -> list[str]:
        names = ["mix_intra"] * (self.intra is not None) + ["mix_inter"] * (self.inter is not None)
        return names or ["mix_plain"]

    def _parts(self, rows: Tensor, gates: Tensor) -> list[Tensor]:
        parts = []
        if self.intra is not None:
            parts.append(self.intra(rows, gates))
        if self.inter is not None:
            accumulated = gates[..., :-1].cumsum(dim=-1)
            parts.append(self.inter(rows, boundary_weight(accumulated)) if self.weighting else rows)
        return parts or [torch.cat([rows, gates], dim=-1)]


class _Branch(nn.Module):
    """Gates features ``(N, H, W, C)`` by one value a group of channels."""

    spread: Tensor

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        groups = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
        self.register_buffer("spread", F.one_hot(groups, len(sizes)).float())

    def forward(self, rows: Tensor, gates: Tensor) -> Tensor:
        # Spreading the gates by a matrix of zeros and ones keeps both factors contiguous.
        return F.linear(gates, self.spread).mul_(rows)


def _merge(context: ClassContext, head: LogitHead) -> tuple[list[Tensor], Tensor]:
    """One matrix a branch, from gated features to the head's hidden layer, and the bias."""
    fuse, squeeze = context.fuse, head.squeeze[0]
    assert isinstance(squeeze, nn.Conv2d)
    outer = squeeze.weight.flatten(1).double() @ fuse.weight.flatten(1).double()
    bias = squeeze.weight.flatten(1).double() @ _bias(fuse) + _bias(squeeze)
    mixes = []
    for index, branch in enumerate(part for part in (context.intra, context.inter) if part is not None):
        part = outer[:, index * fuse.out_channels : (index + 1) * fuse.out_channels]
        mixes.append(part @ branch.weight.flatten(1).double())
        bias = bias + part @ _bias(branch)
    kind = fuse.weight.dtype
    return [mix.detach().to(kind) for mix in mixes or [outer]], bias.detach().to(kind)


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias.double()
