"""Fields that give tissues their look: granular cytoplasm, cells seen face-on, blobs, domes of cells."""

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import Body, Cell
from blastoseg.simulate.masks import fixed

Field = NDArray[np.float32]


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur; large ones on a smaller copy, which is as good and much faster."""
    if sigma < 0.25:
        return field
    if sigma > 6.0:
        step = int(sigma // 3)
        height, width = field.shape
        small = cv2.resize(
            field, (max(width // step, 2), max(height // step, 2)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / step)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def noise_field(rng: np.random.Generator, shape: tuple[int, int], length: float) -> Field:
    """Gaussian noise of unit variance with about this correlation length in pixels."""
    if length <= 0.3:
        return rng.standard_normal(shape, dtype=np.float32)
    step = max(length / 1.2, 1.0)
    small = (max(int(shape[0] / step), 3), max(int(shape[1] / step), 3))
    field = rng.standard_normal(small, dtype=np.float32)
    field = np.asarray(cv2.GaussianBlur(field, (0, 0), max(length / step, 0.5)), np.float32)
    flat = field.ravel()
    field *= np.float32(1.0 / (np.sqrt(float(flat @ flat) / flat.size) + 1e-6))
    if small != shape:
        field = np.asarray(cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    return field


def cytoplasm(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> Field:
    """The granular texture that trophectoderm and inner cell mass share, about zero, near unit variance."""
    grains = noise_field(rng, shape, scale * rng.uniform(0.003, 0.007))
    clumps = noise_field(rng, shape, scale * rng.uniform(0.010, 0.02))
    blotches = noise_field(rng, shape, scale * rng.uniform(0.03, 0.05))
    field = rng.uniform(0.5, 1.0) * grains + rng.uniform(0.3, 0.9) * clumps + rng.uniform(0.1, 0.6) * blotches
    granules = np.maximum(
        noise_field(rng, shape, scale * rng.uniform(0.004, 0.009)) - rng.uniform(1.6, 2.4), 0.0
    )
    field -= rng.uniform(0.5, 3.0) * granules
    return np.asarray(field / (field.std() + 1e-6), np.float32)


def domes(mask: NDArray[np.uint8], height: float) -> Field:
    """Height of cells that round off towards the mask's borders, saturating at ``height`` pixels depth."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    x = np.minimum(depth / max(height, 1.0), 1.0)
    return np.asarray(np.sqrt(x * (2.0 - x)), np.float32)


def add_ball(field: Field, cell: Cell, strength: float, flatness: float = 2.0) -> None:
    """Add one cell's dome to a height field, in place; ``flatness`` 2 is an ellipsoid, more is a plateau."""
    reach = int(max(cell.radius_x, cell.radius_y)) + 2
    x0, y0 = max(int(cell.x) - reach, 0), max(int(cell.y) - reach, 0)
    x1, y1 = min(int(cell.x) + reach + 1, field.shape[1]), min(int(cell.y) + reach + 1, field.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    dx = np.arange(x0, x1, dtype=np.float32)[None] + 0.5 - np.float32(cell.x)
    dy = np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5 - np.float32(cell.y)
    cos, sin = np.float32(np.cos(cell.angle)), np.float32(np.sin(cell.angle))
    u = (dx * cos + dy * sin) / np.float32(max(cell.radius_x, 0.5))
    v = (dy * cos - dx * sin) / np.float32(max(cell.radius_y, 0.5))
    rho = np.minimum(u * u + v * v, 1.0) ** np.float32(flatness / 2.0)
    field[y0:y1, x0:x1] += np.float32(strength) * np.sqrt(1.0 - rho)


def strokes(shape: tuple[int, int], outlines: list[NDArray[np.float64]], closed: bool = True) -> Field:
    """Antialiased lines one pixel wide, 0 to 1."""
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, [fixed(line) for line in outlines], closed, 255, 1, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / np.float32(255.0)


def stacked_rims(shape: tuple[int, int], cells: tuple[Cell, ...], transparency: float) -> Field:
    """Outlines of cells lying over each other, the later ones above: the hidden parts shine through."""
    canvas = np.zeros(shape, np.uint8)
    outlines = [cell.outline() for cell in cells]
    for outline in outlines:
        cv2.fillPoly(canvas, [fixed(outline)], 0, cv2.LINE_8, 4)
        cv2.polylines(canvas, [fixed(outline)], True, 255, 1, cv2.LINE_AA, 4)
    front = canvas.astype(np.float32) / np.float32(255.0)
    return np.asarray(np.maximum(front, np.float32(transparency) * strokes(shape, outlines)), np.float32)


def faceted(rng: np.random.Generator, shape: tuple[int, int], body: Body, cells: int) -> tuple[Field, Field]:
    """Trophectoderm cells above and below the cavity, seen face-on, crowding towards the rim.

    Returns (walls between the cells from 0 to 1, with each cell's own shade about zero; domes of the cells
    with their nuclei, about 0 to 1).
    """
    step = 2
    small = ((shape[0] + 1) // step, (shape[1] + 1) // step)
    radius = float(np.hypot(*(body.outline - np.array(body.centre)).T).mean())
    y = (np.arange(small[0], dtype=np.float32)[:, None] * step - np.float32(body.centre[1])) / np.float32(
        radius
    )
    x = (np.arange(small[1], dtype=np.float32)[None] * step - np.float32(body.centre[0])) / np.float32(radius)
    z = np.sqrt(np.maximum(1.0 - x * x - y * y, 0.0))
    points = rng.normal(size=(cells, 3)).astype(np.float32)
    points[:, 2] = np.abs(points[:, 2])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    nearest = np.full(small, -2.0, np.float32)
    second = np.full(small, -2.0, np.float32)
    shade = np.zeros(small, np.float32)
    shades = rng.normal(0.0, rng.uniform(0.0, 0.5), cells).astype(np.float32)
    for (px, py, pz), own in zip(points, shades, strict=True):
        closeness = px * x + py * y + pz * z
        np.copyto(shade, own, where=closeness > nearest)
        np.maximum(second, np.minimum(nearest, closeness), out=second)
        np.maximum(nearest, closeness, out=nearest)
    close, next_close = (np.sqrt(np.maximum(2.0 - 2.0 * c, 0.0)) for c in (nearest, second))
    border = next_close - close
    size = np.float32(2.2 / np.sqrt(cells))
    walls = np.exp(-((border / (np.float32(rng.uniform(0.1, 0.35)) * size)) ** 2))
    away = close / size
    nucleus = np.exp(-(((away - 0.28) / 0.09) ** 2)) * np.float32(rng.choice([0.0, rng.uniform(0.1, 0.6)]))
    dome = np.minimum(border / size, 1.0) - nucleus
    inside = (z > 0).astype(np.float32)
    large = [cv2.resize(np.asarray(f * inside, np.float32), shape[::-1]) for f in (walls + shade, dome)]
    return np.asarray(large[0], np.float32), np.asarray(large[1], np.float32)


def blobs(rng: np.random.Generator, shape: tuple[int, int], body: Body, count: int) -> Field:
    """Bright and dark out-of-focus blobs over a body, about zero."""
    field = np.zeros(shape, np.float32)
    radius = float(np.hypot(*(body.outline - np.array(body.centre)).T).mean())
    for _ in range(count):
        reach, angle = radius * 0.85 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        size = radius * np.exp(rng.normal(np.log(0.13), 0.5))
        cell = Cell(
            float(body.centre[0] + reach * np.cos(angle)),
            float(body.centre[1] + reach * np.sin(angle)),
            float(size),
            float(size * rng.uniform(0.4, 1.0)),
            angle=float(rng.uniform(0, np.pi)),
        )
        add_ball(field, cell, float(rng.normal(0.0, 1.0)), rng.uniform(1.5, 6.0))
    return field


def weight(mask: NDArray[np.bool_]) -> Field:
    """A mask as a field, 0 and 1."""
    return mask.astype(np.float32)


def faded(rng: np.random.Generator, lines: Field, scale: float, least: float) -> Field:
    """Lines come and go along their length."""
    presence = 0.75 + 0.5 * noise_field(rng, (lines.shape[0], lines.shape[1]), 0.08 * scale)
    return np.asarray(lines * np.clip(presence, least, 1.2), np.float32)
