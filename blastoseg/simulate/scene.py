"""What surrounds an embryo: well ring, debris, sperm, bubbles, label boxes, scale bars, black borders."""

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import Cell, Embryo
from blastoseg.simulate.optics import Layers
from blastoseg.simulate.preset import Optics
from blastoseg.simulate.texture import Field, add_ball, blur, noise_field, strokes


def add_debris(rng: np.random.Generator, layers: Layers, optics: Optics, embryo: Embryo) -> None:
    """Specks, bubbles, sperm and cumulus anywhere in the picture, often stuck to the zona; in place."""
    height, width = layers.tone.shape
    scale = embryo.scale
    outer = embryo.everything()
    if len(outer) and rng.random() < 0.35:
        for x, y in outer[rng.integers(0, len(outer), int(rng.integers(1, 12)))]:
            size = scale * np.exp(rng.normal(np.log(0.007), 0.5))
            near = rng.normal(0, 0.02 * scale, 2)
            speck = Cell(
                float(x + near[0]),
                float(y + near[1]),
                float(size),
                float(size * rng.uniform(0.5, 1)),
                angle=0.7,
            )
            add_ball(layers.tone, speck, float(rng.normal(-0.2, 0.25)), 3.0)
            add_ball(layers.height, speck, float(rng.uniform(0, 0.6)), 2.0)
    for _ in range(int(rng.poisson(3.0))):
        size = scale * np.exp(rng.normal(np.log(0.007), 0.6))
        cell = Cell(
            rng.uniform(0, width),
            rng.uniform(0, height),
            float(size),
            float(size * rng.uniform(0.4, 1)),
            angle=0.3,
        )
        add_ball(
            layers.far_tone if rng.random() < 0.4 else layers.tone, cell, float(rng.normal(-0.25, 0.2)), 3.0
        )
        add_ball(layers.height, cell, float(rng.uniform(0, 0.4)), 2.0)
    if rng.random() < 0.06:
        _add_sperm(rng, layers, scale)
    if rng.random() < 0.06:
        _add_bubble(rng, layers, scale)
    if rng.random() < 0.18:
        side = rng.uniform(0, 2 * np.pi)
        x, y = width / 2 + 0.62 * width * np.cos(side), height / 2 + 0.62 * height * np.sin(side)
        if len(outer) and rng.random() < 0.5:  # against the zona
            at = outer[int(rng.integers(len(outer)))]
            middle = outer.mean(0)
            x, y = middle + (at - middle) * rng.uniform(1.02, 1.25)
        _add_cumulus(rng, layers, optics, (float(x), float(y)), scale=scale)


def _add_sperm(rng: np.random.Generator, layers: Layers, scale: float) -> None:
    height, width = layers.tone.shape
    for _ in range(int(rng.integers(1, 5))):
        start, turn = rng.uniform(0, 1, 2) * (width, height), rng.uniform(0, 2 * np.pi)
        along = np.linspace(0, 0.3 * scale, 24)
        sway = 0.015 * scale * np.sin(along / scale * rng.uniform(20, 50) + rng.uniform(0, 6))
        line = start + np.stack(
            [along * np.cos(turn) - sway * np.sin(turn), along * np.sin(turn) + sway * np.cos(turn)], axis=1
        )
        layers.lines += np.float32(0.35) * strokes((height, width), [line], closed=False)
        head = Cell(float(start[0]), float(start[1]), 0.015 * scale, 0.01 * scale, angle=float(turn))
        add_ball(layers.height, head, 0.6)


def _add_bubble(rng: np.random.Generator, layers: Layers, scale: float) -> None:
    height, width = layers.tone.shape
    radius = scale * rng.uniform(0.02, 0.12)
    ball = Cell(rng.uniform(0, width), rng.uniform(0, height), float(radius), float(radius), angle=0.0)
    rim = strokes((height, width), [ball.outline()])
    layers.lines += np.float32(rng.uniform(1, 2)) * rim
    add_ball(
        layers.tone, Cell(ball.x, ball.y, radius * 0.6, radius * 0.6, angle=0.0), float(rng.uniform(0.1, 0.4))
    )


def _add_cumulus(
    rng: np.random.Generator, layers: Layers, optics: Optics, at: tuple[float, float], scale: float
) -> None:
    """A clump of dark rough cells."""
    shape = (layers.tone.shape[0], layers.tone.shape[1])
    x0, y0 = at
    cover = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(4, 25))):
        size = scale * rng.uniform(0.03, 0.08)
        spread = rng.normal(0, 0.14 * scale, 2)
        cell = Cell(
            float(x0 + spread[0]),
            float(y0 + spread[1]),
            float(size),
            float(size * 0.8),
            angle=rng.uniform(0, 3),
        )
        add_ball(layers.height, cell, float(rng.uniform(0.2, 1.0)))
        add_ball(cover, cell, 1.0, 4.0)
    cover = np.minimum(cover, 1.0)
    layers.tone += cover * np.float32(optics.grain * 1.5) * noise_field(rng, shape, 0.008 * scale)
    layers.tone -= cover * np.float32(optics.tone * rng.uniform(0, 2))


def well_ring(rng: np.random.Generator, contrast: Field, centre: tuple[float, float], radius: float) -> None:
    """A bright ring round the well, dark and streaked outside, added to the picture in place."""
    height, width = contrast.shape
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(centre[1])
    x = np.arange(width, dtype=np.float32)[None] - np.float32(centre[0])
    away = np.hypot(x, y)
    turn = np.arctan2(y, x)
    broad = np.float32(radius * np.exp(rng.uniform(np.log(0.006), np.log(0.06))))
    light_from = rng.uniform(0, 2 * np.pi)
    uneven = 0.75 + np.float32(rng.uniform(0, 0.6)) * np.cos(turn - np.float32(light_from))
    ring = np.exp(-(((away - np.float32(radius)) / broad) ** 2)) * uneven
    outside = 0.5 + 0.5 * np.tanh((away - np.float32(radius) - broad) / (1.4 * broad))
    streaks = noise_field(rng, (height, width), 1.0)
    waves = np.sin(away * np.float32(rng.uniform(0.2, 1.2)) + 12.0 * blur(streaks, 8.0))
    polar_streaks = waves * np.float32(rng.uniform(0.0, 0.12))
    dark = np.float32(rng.uniform(0.3, 0.9)) * (0.6 - 0.6 * np.cos(turn - np.float32(light_from)))
    contrast += ring * np.float32(rng.uniform(0.4, 2.5))
    contrast += outside * (polar_streaks - dark - contrast * np.float32(0.7))


def write_captions(image: NDArray[np.uint8] | NDArray[np.uint16], captions: tuple[str, str]) -> None:
    """White boxes with text in the lower corners, as an incubator's viewer writes them; in place."""
    height, width = image.shape
    grey = np.zeros(image.shape, np.uint8)
    boxed = np.zeros(image.shape, bool)
    size = height / 1100 + 0.1
    for text, is_right in zip(captions, (False, True), strict=True):
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        x = width - wide - 8 if is_right else 8
        boxed[height - high - 12 : height - 6, max(x - 2, 0) : x + wide + 2] = True
        cv2.putText(grey, text, (x, height - 9), cv2.FONT_HERSHEY_SIMPLEX, size, 255, 1, cv2.LINE_AA)
    top = 255 if image.dtype == np.uint8 else max(int(image.max()), 1)
    image[boxed] = ((255 - grey[boxed]) * (top / 255.0)).astype(image.dtype)


def burn_in(
    rng: np.random.Generator, image: NDArray[np.uint8] | NDArray[np.uint16], crop: bool
) -> NDArray[np.bool_]:
    """Label boxes, scale bars and black borders, which come after the optics; in place.

    Returns where a black border hides the picture.
    """
    top = 255.0 if image.dtype == np.uint8 else float(max(int(image.max()), 1))
    before = np.asarray(image * (255.0 / top), np.uint8)  # OpenCV writes text on 8 bits only
    after = before.copy()
    if rng.random() < (0.07 if crop else 0.6):
        for _ in range(int(rng.integers(1, 3))):
            _text_box(rng, after)
    if rng.random() < (0.06 if crop else 0.25):
        _scale_bar(rng, after)
    changed = after != before
    image[changed] = (after[changed] * (top / 255.0)).astype(image.dtype)
    hidden = np.zeros(image.shape, bool)
    if rng.random() < (0.06 if crop else 0.25):
        for side in rng.permutation(4)[: int(rng.integers(1, 4))]:
            depth = int(rng.uniform(0.01, 0.09) * image.shape[side % 2])
            turned = np.rot90(hidden, int(side))
            turned[:depth] = True
        image[hidden] = 0
    return hidden


def _scale_bar(rng: np.random.Generator, image: NDArray[np.uint8]) -> None:
    height, width = image.shape
    length, y = int(width * rng.uniform(0.1, 0.3)), int(height * rng.uniform(0.9, 0.98))
    x = int(rng.uniform(0.02, 0.65) * width)
    value = 255 if rng.random() < 0.6 else 0
    cv2.line(image, (x, y), (x + length, y), value, max(height // 200, 1))
    cv2.putText(image, "25um", (x, y - 3), cv2.FONT_HERSHEY_SIMPLEX, height / 700, value, 1, cv2.LINE_AA)


def _text_box(rng: np.random.Generator, image: NDArray[np.uint8]) -> None:
    height, width = image.shape
    text = str(
        rng.choice([f"Well {rng.integers(1, 13)}", f"{rng.uniform(60, 140):.1f} h", "Day 5", "F0", "x20"])
    )
    size = height / 900 + 0.15
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    x = int(rng.choice([3, max(width - wide - 5, 0)]))
    y = int(rng.choice([high + 3, height - 5]))
    value = 255
    if rng.random() < 0.7:
        cv2.rectangle(image, (x - 2, y - high - 2), (x + wide + 2, y + 3), 255, -1)
        value = 0
    cv2.putText(image, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, value, 1, cv2.LINE_AA)
