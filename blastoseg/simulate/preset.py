"""Optics presets: the ranges from which one picture's optics are drawn."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from blastoseg.errors import UsageError

HOFFMAN_RELIEF = 0.3
"""Relief from which an image looks like Hoffman modulation contrast, whose readers part the tissues."""


@dataclass(frozen=True, slots=True)
class Optics:
    """One microscope and camera. Contrasts are in units of the background's brightness (1 = as bright)."""

    relief: float  # one-sided shading, the Hoffman and DIC look
    relief_angle: float
    line: float  # dark outlines, the bright-field look
    halo: float  # bright rim beside the dark outlines
    grain: float  # granular cytoplasm
    grain_relief: float  # share of the grain seen as relief
    veil: float  # out-of-focus cells over the cavity
    focus: float  # blur, as a share of the embryo's diameter
    softness: float  # extra blur of what lies off the focal plane
    tone: float  # how far the tissues differ in brightness
    noise: float
    noise_length: float  # correlation length of the noise in pixels
    embossed_noise: float
    brightness: float
    gamma: float
    contrast: float  # standard deviation of the embryo's fine structure
    tint: float  # how much brighter or darker the embryo is on the whole
    gradient: float
    vignette: float
    resolution: float  # shares of the pixels that carry information
    jpeg: int  # quality, 0 for none
    parted: float  # how often readers part the inner cell mass from the trophectoderm
    zona: float = 1.0  # how much of its grain and relief the zona shows
    face_on: float = 0.2  # how often single cells are seen face-on over the cavity
    rim_blur: float = 0.0  # extra blur of the outline and the zona, where the focal plane misses the equator
    rim_fringe: float = 0.0  # bright inside and dark outside of the outline, or, below 0, the other way round


def _log(rng: np.random.Generator, middle: float, spread: float) -> float:
    return float(middle * np.exp(rng.normal(0.0, spread)))


def _camera(rng: np.random.Generator) -> dict[str, float]:
    bright = float(
        rng.choice(
            [rng.uniform(0.3, 0.65), rng.uniform(0.15, 0.3), rng.uniform(0.65, 0.92)], p=[0.75, 0.1, 0.15]
        )
    )
    return {
        "noise": _log(rng, 0.012, 0.7),
        "noise_length": float(rng.choice([0.0, rng.uniform(0.4, 1.2)])),
        "embossed_noise": float(rng.random() < 0.3),
        "brightness": bright,
        "gamma": _log(rng, 1.0, 0.25),
        "contrast": _log(rng, 0.19, 0.35),
        "tint": float(rng.normal(-0.06, 0.06)),
        "gradient": abs(float(rng.normal(0, 0.06))),
        "vignette": float(rng.choice([0.0, rng.uniform(0.0, 0.3)], p=[0.7, 0.3])),
        "resolution": float(rng.choice([1.0, rng.uniform(0.4, 1.0)], p=[0.6, 0.4])),
        "jpeg": float(rng.integers(60, 97)) if rng.random() < 0.6 else 0.0,
    }


def optics_of(rng: np.random.Generator, **own: float) -> Optics:
    """Optics with these fields of their own; the camera's others, and the readers, are drawn."""
    parted = 0.85 if own["relief"] >= HOFFMAN_RELIEF else 0.25
    values = {"parted": parted, **_camera(rng), **own}
    return Optics(**{**values, "jpeg": int(values["jpeg"])})  # type: ignore[arg-type]


def _hoffman(rng: np.random.Generator) -> Optics:
    return optics_of(
        rng,
        relief=_log(rng, 0.5, 0.4),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=_log(rng, 0.25, 0.6),
        halo=_log(rng, 0.15, 0.6),
        grain=_log(rng, 0.13, 0.45),
        grain_relief=rng.uniform(0.4, 1.0),
        veil=_log(rng, 0.17, 0.6),
        focus=_log(rng, 0.0028, 0.5),
        softness=_log(rng, 0.009, 0.5),
        tone=_log(rng, 0.025, 0.6),
        face_on=0.6,
    )


def _clinic(rng: np.random.Generator) -> Optics:
    """A clinic's inverted microscope: sharp, little relief, dark outlines all round, soft far cells."""
    camera = {
        "noise": _log(rng, 0.008, 0.6),
        "embossed_noise": 0.0,
        "brightness": rng.uniform(0.35, 0.75),
        "vignette": 0.0,
        "resolution": float(rng.choice([1.0, rng.uniform(0.5, 1.0)], p=[0.7, 0.3])),
    }
    return optics_of(
        rng,
        relief=_log(rng, 0.16, 0.6),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=_log(rng, 0.42, 0.35),
        halo=_log(rng, 0.25, 0.5),
        grain=_log(rng, 0.22, 0.4),
        grain_relief=rng.uniform(0.0, 0.5),
        veil=_log(rng, 0.26, 0.4),
        focus=_log(rng, 0.0028, 0.4),
        softness=_log(rng, 0.013, 0.4),
        tone=_log(rng, 0.035, 0.5),
        zona=rng.uniform(0.4, 1.0),
        face_on=0.7,
        parted=0.95,
        **camera,
    )


def _brightfield(rng: np.random.Generator) -> Optics:
    return optics_of(
        rng,
        relief=_log(rng, 0.14, 0.7),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=_log(rng, 0.38, 0.45),
        halo=_log(rng, 0.3, 0.5),
        grain=_log(rng, 0.12, 0.5),
        grain_relief=rng.uniform(0.0, 0.5),
        veil=_log(rng, 0.25, 0.5),
        focus=_log(rng, 0.0028, 0.5),
        softness=_log(rng, 0.009, 0.5),
        tone=_log(rng, 0.035, 0.6),
    )


def _dark(rng: np.random.Generator) -> Optics:
    return optics_of(
        rng,
        relief=_log(rng, 0.45, 0.5),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=_log(rng, 0.1, 0.6),
        halo=_log(rng, 0.2, 0.6),
        grain=_log(rng, 0.12, 0.5),
        grain_relief=rng.uniform(0.2, 0.9),
        veil=_log(rng, 0.07, 0.6),
        focus=_log(rng, 0.0032, 0.5),
        softness=_log(rng, 0.009, 0.5),
        tone=_log(rng, 0.03, 0.6),
        brightness=rng.uniform(0.1, 0.3),
    )


def _embryoscope(rng: np.random.Generator) -> Optics:
    """A time-lapse incubator's: relief from one side, a round well that is dark outside, any focal plane."""
    is_off_plane = rng.random() < 0.5
    plane = {
        "zona": float(np.exp(rng.uniform(np.log(0.08), np.log(0.8)))),
        "face_on": 0.5,
        "rim_blur": float(np.exp(rng.uniform(np.log(0.004), np.log(0.016)))) if is_off_plane else 0.0,
        "rim_fringe": float(rng.normal(0.0, 0.6 if is_off_plane else 0.2)),
        "softness": _log(rng, 0.004 if is_off_plane else 0.009, 0.5),
    }
    camera = {
        "brightness": rng.uniform(0.3, 0.55),
        "vignette": rng.uniform(0.0, 0.35),
        "jpeg": float(rng.integers(75, 97)),
    }
    return optics_of(
        rng,
        relief=_log(rng, 0.4, 0.35),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=_log(rng, 0.28, 0.5),
        halo=_log(rng, 0.3, 0.5),
        grain=_log(rng, 0.15, 0.4),
        grain_relief=rng.uniform(0.3, 1.0),
        veil=_log(rng, 0.24, 0.5),
        focus=_log(rng, float(rng.choice([0.0028, 0.006, 0.011], p=[0.7, 0.2, 0.1])), 0.3),
        tone=_log(rng, 0.03, 0.5),
        **plane,
        **camera,
    )


def _unseen(rng: np.random.Generator) -> Optics:
    """Inverted contrast of the lines, heavy blur or noise: never met in training."""
    return optics_of(
        rng,
        relief=_log(rng, 0.35, 0.3),
        relief_angle=rng.uniform(0, 2 * np.pi),
        line=-_log(rng, 0.15, 0.4),
        halo=_log(rng, 0.02, 0.4),
        grain=_log(rng, 0.12, 0.4),
        grain_relief=rng.uniform(0, 1.0),
        veil=_log(rng, 0.14, 0.4),
        focus=_log(rng, 0.009, 0.35),
        softness=_log(rng, 0.02, 0.3),
        tone=_log(rng, 0.1, 0.4),
        noise=_log(rng, 0.035, 0.4),
        gamma=_log(rng, 1.4, 0.3),
        resolution=rng.uniform(0.3, 0.6),
        jpeg=float(rng.integers(15, 40)),
    )


def _mixed(rng: np.random.Generator) -> Optics:
    """Hoffman-like, bright-field, something between, and dark pictures."""
    draw = rng.random()
    if draw < 0.42:
        return _hoffman(rng)
    if draw < 0.90:
        return _brightfield(rng) if rng.random() < 0.55 else _between(rng)
    return _dark(rng)


def _between(rng: np.random.Generator) -> Optics:
    one, other, share = _hoffman(rng), _brightfield(rng), rng.random()
    values = {
        name: share * getattr(one, name) + (1 - share) * getattr(other, name)
        for name in ("relief", "line", "halo", "grain", "grain_relief", "veil", "focus", "softness", "tone")
    }
    return optics_of(rng, relief_angle=one.relief_angle, **values)


CLINIC, EMBRYOSCOPE = "clinic", "embryoscope"

PRESETS: dict[str, Callable[[np.random.Generator], Optics]] = {
    "mixed": _mixed,
    "hoffman": _hoffman,
    CLINIC: _clinic,
    "brightfield": _brightfield,
    "dark": _dark,
    EMBRYOSCOPE: _embryoscope,
    "unseen": _unseen,
}
"""Name -> what draws optics. "mixed" is what training sees; "unseen" lies outside it on purpose."""


def check_preset(preset: str) -> None:
    """Answers an unknown name with the choices, in a UsageError."""
    if preset not in PRESETS:
        raise UsageError(f"unknown optics preset {preset!r}: choose from {', '.join(PRESETS)}")


def draw_optics(rng: np.random.Generator, preset: str) -> Optics:
    """Optics from a preset. Raises UsageError for an unknown one."""
    check_preset(preset)
    return PRESETS[preset](rng)
