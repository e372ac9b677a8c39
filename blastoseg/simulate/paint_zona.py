"""Paints a zona: a granular ring of low contrast that frays outwards."""

from dataclasses import replace

import numpy as np

from blastoseg.simulate.geometry import Zona
from blastoseg.simulate.masks import TissueMasks, zona_ring
from blastoseg.simulate.optics import Layers
from blastoseg.simulate.preset import Optics
from blastoseg.simulate.texture import Field, blur, domes, faded, noise_field, strokes, weight


def paint_zona(
    rng: np.random.Generator, layers: Layers, zona: Zona, masks: TissueMasks, optics: Optics, scale: float
) -> None:
    """Add a zona's granules, edges and frayed outside to ``layers``, in place."""
    shape = (masks.zona.shape[0], masks.zona.shape[1])
    ring = blur(weight(masks.zona), float(rng.uniform(0.0, 0.012)) * scale) * weight(~masks.body)
    frayed = _fraying(rng, zona, masks, scale)
    granular = noise_field(rng, shape, scale * rng.uniform(0.002, 0.006))
    granular = granular - np.float32(rng.uniform(0, 1.5)) * np.maximum(
        noise_field(rng, shape, 0.005 * scale) - 2.0, 0
    )
    patches = noise_field(rng, shape, scale * rng.uniform(0.02, 0.05))
    faint = rng.random() < 0.04
    strength = optics.zona * optics.grain * (rng.uniform(0.03, 0.12) if faint else rng.uniform(0.2, 0.8))
    grains = np.float32(strength) * frayed * granular
    layers.tone += np.float32(0.7) * (grains + np.float32(0.3 * strength) * ring * patches)
    layers.tone += np.float32(rng.normal(0.0, 0.8) * optics.tone) * ring
    layers.height += grains
    height = np.float32(optics.zona * np.exp(rng.uniform(np.log(0.08), np.log(0.7))))
    rounded = domes(masks.zona.astype(np.uint8), 0.03 * scale)
    layers.height += height * blur(rounded, rng.uniform(0.003, 0.02) * scale)
    inner, outer = faded(rng, strokes(shape, [zona.inner]), scale, 0.5), strokes(shape, [zona.outer])
    present = blur(weight(masks.zona), 1.0) > 0.05
    layers.lines += inner * present * np.float32(rng.uniform(0.1, 1.0))
    layers.halos += inner * present * np.float32(rng.uniform(0.0, 1.0))
    fine = faded(rng, outer, scale, 0.0) * present
    # A zona without grain shows by its outer edge: one that shows by nothing has no outline to be drawn.
    thin, clear = rng.uniform(0, 0.06), rng.uniform(0.06, 0.5)
    layers.lines += fine * np.float32(rng.choice([thin, clear], p=[0.0, 1.0] if faint else [0.6, 0.4]))
    layers.halos += fine * np.float32(rng.choice([0.0, rng.uniform(-0.1, 0.4)]))


def _fraying(rng: np.random.Generator, zona: Zona, masks: TissueMasks, scale: float) -> Field:
    """How dense the zona's granules are, 0 to 1: they thin out beyond the outline that a reader draws."""
    shape = (masks.zona.shape[0], masks.zona.shape[1])
    reach = float(rng.choice([0.0, rng.uniform(0.005, 0.025)], p=[0.2, 0.8]))
    outer = np.array(zona.centre) + (1.0 + 2.0 * reach) * (zona.outer - np.array(zona.centre))
    beyond = zona_ring(shape, replace(zona, outer=outer)) & ~masks.body
    share = np.float32(rng.uniform(0.3, 0.7))
    dense = (1 - share) * weight(masks.zona) + share * weight(beyond)
    return np.asarray(blur(dense, (0.3 * reach + 0.002) * scale) * weight(~masks.body), np.float32)
