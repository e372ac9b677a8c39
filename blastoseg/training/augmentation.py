"""Random changes to an image and its label maps that leave the truth true."""

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.model.standardisation import standardise
from blastoseg.training.recipe_data import Augmentation
from blastoseg.training.spectrum import exchange_amplitude

Gray = NDArray[np.float32]
Maps = NDArray[np.uint8]
"""Label values ``(y, x)``, or masks ``(y, x, channel)``."""


def augment(
    image: Gray,
    maps: Maps,
    settings: Augmentation,
    rng: np.random.Generator,
    donors: Sequence[NDArray[Any]] = (),
) -> tuple[Gray, Maps]:
    """A changed image and its maps, of the same shapes. ``image`` has mean 0 and deviation 1, roughly.

    With ``donors`` (gray images of its shape) and ``settings.fda``, it may take over one's coarse tones.
    """
    image, maps = change_place(image, maps, settings, rng)
    if donors and settings.fda and rng.random() < settings.fda_share:
        donor = standardise(donors[int(rng.integers(len(donors)))])
        image = exchange_amplitude(image, donor, settings.fda)
    return change_optics(image, settings, rng), maps


def change_place(
    image: Gray, maps: Maps, settings: Augmentation, rng: np.random.Generator
) -> tuple[Gray, Maps]:
    """The part of ``augment`` that moves image and maps alike: turns, mirrors, scale, shift, bending."""
    image, maps = _turn(image, maps, settings, rng)
    if settings.zoom or settings.scale or settings.rotation_deg or settings.shift:
        image, maps = _warp(image, maps, settings, rng)
    if settings.elastic:
        image, maps = _bend(image, maps, settings.elastic, rng)
    return image, maps


def _turn(image: Gray, maps: Maps, settings: Augmentation, rng: np.random.Generator) -> tuple[Gray, Maps]:
    quarter_turns = int(rng.integers(4)) if settings.quarter_turns else 0
    mirrored = bool(rng.integers(2))
    image, maps = np.rot90(image, quarter_turns), np.rot90(maps, quarter_turns)
    if mirrored:
        image, maps = image[:, ::-1], maps[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(maps)


def _warp(image: Gray, maps: Maps, settings: Augmentation, rng: np.random.Generator) -> tuple[Gray, Maps]:
    side = image.shape[0]
    angle = rng.uniform(-settings.rotation_deg, settings.rotation_deg)
    smallest, largest = settings.scale or (1 - settings.zoom, 1 / (1 - settings.zoom))
    scale = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-settings.shift, settings.shift, 2) * side
    if settings.random_crop:
        matrix[:, 2] += rng.uniform(-1, 1, 2) * abs(scale - 1) / 2 * side
    warped = cv2.warpAffine(
        image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    warped_maps = cv2.warpAffine(
        maps, matrix, (side, side), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.float32), np.asarray(warped_maps, np.uint8)


def _bend(image: Gray, maps: Maps, strength: float, rng: np.random.Generator) -> tuple[Gray, Maps]:
    """A smooth random displacement: tissue is soft, and no two embryos have one outline."""
    side = image.shape[0]
    knots = int(rng.integers(3, 7))
    moved = rng.normal(0, strength * side, (2, knots, knots)).astype(np.float32)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    map_y, map_x = (
        grid + cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC)
        for grid, part in zip((y, x), moved, strict=True)
    )
    bent = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    bent_maps = cv2.remap(maps, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, np.float32), np.asarray(bent_maps, np.uint8)


def change_optics(image: Gray, settings: Augmentation, rng: np.random.Generator) -> Gray:
    """The part of ``augment`` that changes gray values only."""
    side = image.shape[0]
    if settings.invert and rng.random() < settings.invert:
        image = -image
    if settings.gamma:
        low, high = float(image.min()), float(image.max())
        if high > low:
            power = float(np.exp(rng.uniform(-settings.gamma, settings.gamma)))
            image = ((image - low) / (high - low)) ** power * (high - low) + low
    if settings.gradient:
        ramp = np.linspace(-1, 1, side, dtype=np.float32)
        slope_y, slope_x = rng.normal(0, settings.gradient, 2).astype(np.float32)
        image = image + slope_y * ramp[:, None] + slope_x * ramp[None, :]
    if settings.coarsen and rng.random() < settings.coarsen:
        small = max(8, round(side * rng.uniform(0.4, 1.0)))
        coarse = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cast(Gray, cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR))
    if settings.blur_px and rng.random() < 0.5:
        sigma = float(rng.uniform(0.2, max(0.21, settings.blur_px)))
        image = cast(Gray, cv2.GaussianBlur(image, (0, 0), sigma))
    if settings.noise and rng.random() < 0.5:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(
            rng.uniform(0, settings.noise)
        )
    return np.asarray(image, np.float32)
