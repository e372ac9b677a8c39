"""Synthetic images to train on."""

import numpy as np
from numpy.typing import NDArray

from blastoseg.model.locating import fit_square
from blastoseg.simulate import SimulatedFrame, View, draw_frame
from blastoseg.simulate.optics_space import optics_at, point_near
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.sample import Sample, Target

VALIDATION_OFFSET = 1_000_000_000
"""Synthetic images from this number on are never trained on: validation and scores use them."""
FITTED_SPREAD = 0.3
"""How far one instrument's images differ, in deviations of optics anywhere in the simulator's space."""


def synthetic_sample(data: SyntheticData, size: int, target: Target, index: int) -> Sample:
    """Synthetic image number ``index``: depends on the recipe's seed and on ``index`` only."""
    rng = np.random.default_rng([data.seed, index])
    scene = data.scene
    if scene == "mixed":
        scene = "field" if rng.random() < data.field_share else "crop"
    height, width = _frame_shape(rng, size) if target == "embryos" else (size, size)
    kind = _extra(rng, data.extra_kinds)
    # Drawn only where there is a choice: other recipes' images stay as they were.
    preset = _extra(rng, data.extra_presets) if data.extra_presets else None
    optics = None
    if data.fitted_share and rng.random() < data.fitted_share:
        optics = optics_at(rng, point_near(rng, data.fitted_point, FITTED_SPREAD))
    view = View(
        height,
        width,
        fill=data.fill,
        kind=kind,
        scene=scene,
        preset=preset or data.preset,
        optics=optics,
    )
    frame = draw_frame(rng, view)
    if target == "tissues":
        return Sample(frame.image, frame.labels)
    square, fit = fit_square(frame.image, size)
    masks = np.zeros((size, size, 2), np.uint8)
    masks[fit.inside()] = embryo_masks(frame)
    return Sample(square, masks)


class SyntheticPool:
    """Synthetic images, each given ``data.reuse`` times or so: earlier ones come between new ones."""

    def __init__(self, data: SyntheticData, size: int, target: Target) -> None:
        self.data, self.size, self.target = data, size, target
        self._kept: list[Sample] = []
        self._given = 0

    def sample(self, number: int, rng: np.random.Generator) -> Sample:
        """Image ``number`` where a new one is due, else an earlier one."""
        is_due = self._given % self.data.reuse == 0
        self._given += 1
        if not is_due:
            return self._kept[int(rng.integers(len(self._kept)))]
        sample = synthetic_sample(self.data, self.size, self.target, number)
        if self.data.reuse == 1:
            return sample
        if len(self._kept) < self.data.pool:
            self._kept.append(sample)
        else:
            self._kept[int(rng.integers(self.data.pool))] = sample
        return sample


def _extra(rng: np.random.Generator, shares: dict[str, float]) -> str | None:
    """A name chosen by its share, or None for the rest."""
    left = rng.random()
    for name, share in shares.items():
        left -= share
        if left < 0:
            return name
    return None


def _frame_shape(rng: np.random.Generator, size: int) -> tuple[int, int]:
    """Height and width of a whole frame, its longer side ``size``: square half of the time."""
    shorter = size if rng.random() < 0.5 else round(size * rng.uniform(0.7, 1.0))
    return (shorter, size) if rng.random() < 0.7 else (size, shorter)


def embryo_masks(frame: SimulatedFrame) -> NDArray[np.uint8]:
    """Masks ``(y, x, 2)`` of the main embryo and of its neighbours, 0 and 1."""
    return np.stack([frame.embryo_mask, frame.other_mask], axis=-1).astype(np.uint8)
