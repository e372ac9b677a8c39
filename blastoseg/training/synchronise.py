"""BatchNorm over the images of all processes, so that several give what one with a larger batch gives."""

from typing import Any, cast

import torch
from torch import Tensor, distributed, nn


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class ProcessBatchNorm(nn.BatchNorm2d):
    """What ``nn.SyncBatchNorm`` is on a GPU, for processes on CPUs, where torch has none.

    Every process must hold batches of one shape.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Normalised features ``(N, C, H, W)``; in training by the statistics of all processes' batches."""
        if not self.training or not distributed.is_initialized():
            normalised: Tensor = super().forward(features)
            return normalised
        values = features.float()
        sums = torch.stack([values.sum(dim=(0, 2, 3)), values.square().sum(dim=(0, 2, 3))])
        count = features.numel() // features.shape[1] * distributed.get_world_size()
        mean, square = _sum_over_processes(sums) / count
        variance = (square - mean.square()).clamp_min(0)
        self._follow(mean.detach(), variance.detach() * (count / max(1, count - 1)))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        answer: Tensor = features * scale[:, None, None] + shift[:, None, None]
        return answer

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        with torch.no_grad():
            cast(Tensor, self.running_mean).lerp_(mean, cast(float, self.momentum))
            cast(Tensor, self.running_var).lerp_(variance, cast(float, self.momentum))
            cast(Tensor, self.num_batches_tracked).add_(1)


def _sum_over_processes(values: Tensor) -> Tensor:
    return cast(Tensor, _SumOverProcesses.apply(values))  # type: ignore[no-untyped-call]


def synchronise_batch_norms(network: nn.Module, on_gpu: bool) -> nn.Module:
    """The network with every BatchNorm taking all processes' images; parameters and names stay the same."""
    if on_gpu:
        converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        return converted
    for part in network.modules():
        for name, child in part.named_children():
            if type(child) is nn.BatchNorm2d:
                twin = ProcessBatchNorm(child.num_features, child.eps, child.momentum)
                twin.load_state_dict(child.state_dict())
                setattr(part, name, twin.train(child.training))
    return network
