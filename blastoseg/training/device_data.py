"""Labelled samples that lie on the device and are moved about there: nothing waits for loader processes."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from blastoseg.training.data import Share, shuffled_index, to_tensors
from blastoseg.training.recipe import Job
from blastoseg.training.recipe_data import Augmentation
from blastoseg.training.sample import Sample

SMALLEST_DEVIATION = 1e-6


class DeviceBatches:
    """Endless batches of augmented samples, every one once before any comes again, all on one device.

    The order is that of ``LabelledStream``; what an augmentation draws depends on the seed and the place.
    """

    def __init__(self, samples: Sequence[Sample], job: Job, share: Share, device: torch.device) -> None:
        pairs = [to_tensors(sample.image, sample.maps) for sample in samples]
        self.images = torch.stack([image for image, _ in pairs]).to(device)
        self.truths = torch.stack([truth for _, truth in pairs])[:, None].to(device)
        self.job, self.share, self.device = job, share, device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        size, seed = self.job.optimisation.batch_size, self.job.data.seed
        batch = self.share.batches_done
        while True:
            number = batch * self.share.processes + self.share.rank
            places = range(number * size, (number + 1) * size)
            chosen = torch.tensor([shuffled_index(len(self.images), seed, place) for place in places])
            moves = moves_of(
                self.job.augmentation, size, torch.Generator().manual_seed((seed << 32) + number)
            )
            yield move(self.images[chosen], self.truths[chosen], moves.to(self.device))
            batch += 1


def moves_of(settings: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Affine matrices ``(count, 2, 3)`` from places in the changed image to places in the sample, -1 to 1.

    Mirrors, turns, scales and shifts are distributed as those of ``augmentation.change_place``.
    """

    def drawn(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle = torch.deg2rad(drawn(-settings.rotation_deg, settings.rotation_deg))
    if settings.quarter_turns:
        angle = angle + torch.randint(4, (count,), generator=generator) * (math.pi / 2)
    smallest, largest = settings.scale or (1 - settings.zoom, 1 / (1 - settings.zoom))
    scale = torch.exp(drawn(math.log(smallest), math.log(largest)))
    mirror = 1 - 2 * torch.randint(2, (count,), generator=generator).float()
    # A side is 2 long here.
    shift = torch.stack([drawn(-settings.shift, settings.shift) * 2 for _ in range(2)], dim=1)
    if settings.random_crop:
        room = (scale - 1).abs()[:, None]
        shift = shift + torch.stack([drawn(-1, 1) for _ in range(2)], dim=1) * room
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    back = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], dim=1)
    back[:, 0] *= mirror[:, None]
    return torch.cat([back, -(back @ shift[:, :, None])], dim=2)


def move(images: Tensor, truths: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
    """Images ``(N, 1, y, x)`` and channels ``(N, 1, y, x)`` moved alike; images standardised.

    The edge goes on outside. Returns the channels as ``(N, y, x)``.
    """
    grid = F.affine_grid(moves, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    labels = F.grid_sample(truths.float(), grid, mode="nearest", padding_mode="border", align_corners=False)
    mean, deviation = moved.mean(dim=(2, 3), keepdim=True), moved.std(dim=(2, 3), keepdim=True, correction=0)
    return (moved - mean) / deviation.clamp_min(SMALLEST_DEVIATION), labels[:, 0].to(truths.dtype)
