"""What a teacher says of frames without labels, and which of it counts."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from blastoseg.model.architectures.contract import bring_to_size
from blastoseg.model.averaging import averaged
from blastoseg.stages import label_crop
from blastoseg.tissues import BACKGROUND, CHANNEL_OF_LABEL, INSIDE_OUT
from blastoseg.training.loss import UNUSED
from blastoseg.training.recipe_unlabelled import Unlabelled


@dataclass(frozen=True, slots=True)
class Teaching:
    """What a teacher goes by: the recipe's settings, the temperature of the weights that were started from.

    ``second_side`` is the second size of its test-time augmentation.
    """

    settings: Unlabelled
    temperature: float
    second_side: int | None = None


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Class channels ``(N, y, x)`` with UNUSED where nothing is learnt.

    ``used`` is the share of the pixels that count, ``shares`` that of each class channel among all pixels as
    the anatomy left them, whether they count or not.
    """

    channels: Tensor
    used: float
    shares: tuple[float, ...]


def pseudo_labels(teacher: nn.Module, frames: Tensor, teaching: Teaching) -> PseudoLabels:
    """The teacher's labels for frames ``(N, 1, y, x)``, by test-time augmentation as in a run.

    Beside single answers those make much better labels. The teacher is in evaluation mode afterwards.
    """

    def predict(images: Tensor) -> Tensor:
        logits = teacher(images.contiguous(memory_format=torch.channels_last))[0].float()
        logits = bring_to_size(logits, images.shape[-2], images.shape[-1])
        return torch.softmax(logits / teaching.temperature, dim=1)

    teacher.eval()
    with torch.no_grad():
        probabilities = averaged(predict, frames, True, teaching.second_side).cpu().numpy()
    channels, cleaned = zip(*(_labels_of(one, teaching.settings) for one in probabilities), strict=True)
    counted = np.stack(channels)
    shares = np.bincount(np.stack(cleaned).ravel(), minlength=len(INSIDE_OUT)) / counted.size
    return PseudoLabels(
        torch.from_numpy(counted).to(frames.device),
        float((counted != UNUSED).mean()),
        tuple(float(share) for share in shares),
    )


def _labels_of(
    probabilities: NDArray[np.float32], settings: Unlabelled
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A frame's class channels with UNUSED where they do not count, and all of them."""
    raw = probabilities.argmax(axis=0)
    clean = np.asarray(CHANNEL_OF_LABEL, np.int64)[label_crop(probabilities)]
    mended = clean != raw
    tissue = int(np.count_nonzero(raw != BACKGROUND.channel))
    if not tissue or mended.sum() > settings.most_mended * tissue:
        return np.full_like(clean, UNUSED), clean
    is_sure = probabilities.max(axis=0) >= settings.confidence
    return np.where(is_sure & ~mended, clean, UNUSED), clean
