"""How frames without labels take part in a training, as a recipe says it."""

import math

from pydantic import Field

from blastoseg.training.recipe_data import Augmentation, Section

STRONG = Augmentation(
    zoom=0.1, rotation_deg=15, shift=0.03, gamma=0.4, blur_px=1.5, noise=0.35, gradient=0.35, coarsen=0.4
)
"""Stronger than what labelled images get: the student must find for itself what the teacher saw plainly."""


class Unlabelled(Section):
    """Frames without labels in every batch, labelled by a mean teacher (Tarvainen & Valpola 2017).

    The teacher is the average of the weights (``ema_decay``). It sees a frame turned, mirrored and moved, by
    test-time augmentation as in a run; the student sees the same with ``augmentation``'s changes of gray
    values. ``batch_size`` frames come with the batch of every process; ``seed`` says which. Of more than
    ``max_frames`` frames, so many are taken at random.

    A pixel counts where the teacher's probability, temperature-scaled by the card of the weights that were
    started from, is at least ``confidence``, and the anatomy left its label alone; a frame counts where the
    anatomy changed at most the share ``most_mended`` of its tissue. Their loss grows to ``weight`` over
    ``ramp_up_steps``. With a ``weight`` of 0 nothing is labelled: the frames say how synthetic images are to
    look (``fitted_share``, ``fda``), and no more.

    The training ends in an error where, over ``watched_steps`` steps, the tissues' shares of the labels have
    collapsed: the blastocyst's below ``least_blastocyst`` of what it was over the first ``watched_steps``, or
    that of ICM or TE below ``least_tissue``.
    """

    seed: int = Field(default=0, ge=0)
    batch_size: int = Field(default=4, ge=1)
    max_frames: int = Field(default=2000, ge=1)
    weight: float = Field(default=1.0, ge=0)
    ramp_up_steps: int = Field(default=30, ge=0)
    confidence: float = Field(default=0.6, gt=0, lt=1)
    most_mended: float = Field(default=0.1, ge=0, le=1)
    watched_steps: int = Field(default=20, ge=1)
    least_blastocyst: float = Field(default=0.5, ge=0, lt=1)
    least_tissue: float = Field(default=0.2, ge=0, lt=1)
    augmentation: Augmentation = STRONG

    @property
    def teaches(self) -> bool:
        """Whether the frames are labelled and learnt from."""
        return self.weight > 0

    def weight_at(self, step: int) -> float:
        """The weight of the frames' loss at a step: exp(-5 (1 - t)^2) of it, t from 0 to 1 as it grows."""
        done = min(1.0, step / self.ramp_up_steps) if self.ramp_up_steps else 1.0
        return float(self.weight * math.exp(-5 * (1 - done) ** 2))
