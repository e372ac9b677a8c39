"""From height, lines and tones to the grey values a camera writes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.preset import Optics
from blastoseg.simulate.texture import Field, blur, noise_field


@dataclass
class Layers:
    """What an embryo does to light, before the optics: all fields ``(y, x)``, filled in place.

    ``height`` and ``far_height`` are seen as relief, sharp and out of focus; ``lines`` darken sharply;
    ``halos`` brighten softly; ``tone`` and ``far_tone`` add brightness, sharp and out of focus.
    """

    height: Field
    far_height: Field
    lines: Field
    halos: Field
    tone: Field
    far_tone: Field

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "Layers":
        return cls(*(np.zeros(shape, np.float32) for _ in range(6)))


def relief(height: Field, angle: float) -> Field:
    """Directional derivative of a height map, per pixel."""
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 8.0
    both = np.float32(np.cos(angle)) * kernel + np.float32(np.sin(angle)) * kernel.T
    return np.asarray(cv2.filter2D(height, cv2.CV_32F, both), np.float32)


def form_image(layers: Layers, optics: Optics, scale: float, tissue: NDArray[np.bool_]) -> Field:
    """Contrast about the background (0), for an embryo ``scale`` pixels across.

    The fine structure over ``tissue`` gets the standard deviation that the optics ask for.
    """
    sharp = max(optics.focus * scale, 0.45)
    soft = float(np.hypot(sharp, optics.softness * scale))
    # relief of a cell does not depend on the picture's resolution, so slopes are per embryo diameter
    slope = np.float32(optics.relief * scale * 0.02)
    image = slope * relief(blur(layers.height, sharp), optics.relief_angle)
    image += slope * relief(blur(layers.far_height, soft), optics.relief_angle)
    width = max(0.006 * scale, 0.9)
    # a line one pixel wide loses height when blurred: restore it, whatever the resolution
    image -= np.float32(optics.line * 2.2 * width) * blur(
        layers.lines, float(np.hypot(0.55 * width, 0.6 * sharp))
    )
    image += np.float32(optics.halo * 3.0 * width) * blur(layers.halos, float(np.hypot(1.1 * width, sharp)))
    image += blur(layers.tone, sharp)
    image += blur(layers.far_tone, soft)
    if optics.rim_blur:
        image = _blur_rim(image, optics.rim_blur * scale, scale, tissue)
    if tissue.any():
        fine = image - blur(image, 0.07 * scale)
        image *= np.float32(optics.contrast / (float(fine[tissue].std()) + 1e-4))
    image += np.float32(optics.tint) * blur(tissue.astype(np.float32), 0.01 * scale)
    if optics.rim_fringe:
        inside, broad = tissue.astype(np.float32), max(optics.rim_blur, 0.004) * scale
        image += np.float32(optics.rim_fringe) * (blur(inside, broad) - blur(inside, 2.5 * broad))
    return image


def _blur_rim(image: Field, sigma: float, scale: float, tissue: NDArray[np.bool_]) -> Field:
    """The image with what lies about the equator out of focus: the outline and all outside, not the caps."""
    depth = cv2.distanceTransform(tissue.astype(np.uint8), cv2.DIST_L2, 5)
    rim = np.exp(-((depth / np.float32(0.08 * scale)) ** 2))
    return np.asarray(image + rim * (blur(image, sigma) - image), np.float32)


def expose(
    rng: np.random.Generator, contrast: Field, optics: Optics, bit_depth: int
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The camera: illumination, resolution, noise, gamma, quantisation and compression."""
    height, width = contrast.shape
    light = np.float32(1.0) + contrast
    light = light * _illumination(rng, (height, width), optics)
    if optics.resolution < 0.98:
        size = (max(int(width * optics.resolution), 16), max(int(height * optics.resolution), 16))
        light = np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32)
        light = np.asarray(cv2.resize(light, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    noise = noise_field(rng, (height, width), optics.noise_length)
    if optics.embossed_noise:
        noise = noise + 2.0 * relief(noise, optics.relief_angle)
    light = light + np.float32(min(optics.noise, 0.4 * optics.contrast)) * noise
    level = np.clip(light * np.float32(optics.brightness), 0.0, 1.0) ** np.float32(optics.gamma)
    level *= np.float32(optics.brightness ** (1.0 - optics.gamma))  # gamma bends about the background's level
    level = np.clip(level, 0.0, 1.0)
    if optics.jpeg:
        grey = np.round(level * 255.0).astype(np.uint8)
        _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, optics.jpeg])
        grey = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
        return grey if bit_depth == 8 else grey.astype(np.uint16) * np.uint16(257)
    if bit_depth == 8:
        return np.asarray(np.round(level * 255.0), np.uint8)
    top = int(rng.choice([4095, 16383, 65535]))
    return np.asarray(np.round(level * top), np.uint16)


def _illumination(rng: np.random.Generator, shape: tuple[int, int], optics: Optics) -> Field:
    height, width = shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1.0 + np.float32(optics.gradient) * (
        np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    )
    if optics.vignette > 0:
        x0, y0 = np.float32(rng.normal(0, 0.2)), np.float32(rng.normal(0, 0.2))
        light = light * (1.0 - np.float32(optics.vignette) * 0.5 * ((x - x0) ** 2 + (y - y0) ** 2))
    return np.asarray(np.maximum(light, 0.02), np.float32)
