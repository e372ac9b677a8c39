"""What the focal plane does to a drawn embryo: a plane off the equator blurs its outline, not its caps."""

from dataclasses import replace

import numpy as np

from blastoseg.simulate import View, draw_frame
from blastoseg.simulate.optics import Layers, form_image
from blastoseg.simulate.preset import Optics, draw_optics

SIDE = 128
AWAY = np.hypot(*(np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2))
DISC = AWAY < 48


def optics(**changed: float) -> Optics:
    drawn = draw_optics(np.random.default_rng(1), "brightfield")
    return replace(drawn, focus=0.0, tint=0.0, **changed)  # type: ignore[arg-type]


def picture(rim: Optics) -> np.ndarray:
    layers = Layers.empty((SIDE, SIDE))
    layers.tone += np.random.default_rng(2).standard_normal((SIDE, SIDE), dtype=np.float32)
    return form_image(layers, rim, 96.0, DISC)


def fine_detail(image: np.ndarray, where: np.ndarray) -> float:
    return float(np.abs(np.diff(image, axis=1))[where[:, 1:]].mean())


def test_a_plane_off_the_equator_blurs_the_outline_and_what_is_outside_and_leaves_the_caps_sharp() -> None:
    cap, rim = AWAY < 20, (AWAY > 44) & (AWAY < 60)
    sharp, off_plane = picture(optics()), picture(optics(rim_blur=0.02))
    assert fine_detail(off_plane, rim) / fine_detail(off_plane, cap) < 0.5
    assert 0.8 < fine_detail(sharp, rim) / fine_detail(sharp, cap) < 1.2


def test_the_fringe_is_bright_on_one_side_of_the_outline_and_dark_on_the_other() -> None:
    inside, outside = (AWAY > 44) & (AWAY < 47), (AWAY > 49) & (AWAY < 52)
    plain = picture(optics())
    for fringe in (0.5, -0.5):
        added = picture(optics(rim_fringe=fringe)) - plain
        assert added[inside].mean() * fringe > 0 > added[outside].mean() * fringe


def test_a_time_lapse_incubators_zonas_are_smoother_than_a_modulation_contrasts() -> None:
    rng = np.random.default_rng(3)
    shown = [draw_optics(rng, "embryoscope").zona for _ in range(50)]
    assert max(shown) < draw_optics(rng, "hoffman").zona == 1.0


def zona_thickness(preset: str, seed: int) -> float:
    truth = draw_frame(np.random.default_rng(seed), View(kind="expanded", preset=preset)).truth
    return truth["zp_thickness_mean_px"] / truth["embryo_diameter_px"]


def test_zonas_of_expanded_embryos_are_thinner_in_a_time_lapse_incubator() -> None:
    usual, stretched = (
        np.median([zona_thickness(preset, seed) for seed in range(20)])
        for preset in ("brightfield", "embryoscope")
    )
    assert 0.02 < stretched < 0.8 * usual
