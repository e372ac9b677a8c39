"""What a drawn frame promises: exact labels, known truth, the same bytes for the same seed."""

import math

import numpy as np
import pytest

from blastoseg.errors import UsageError
from blastoseg.simulate import BLASTOCYSTS, KINDS, PRESETS, SimulatedFrame, View, draw, draw_frame
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP


def drawn(kind: str | None, seed: int = 3, **view: object) -> SimulatedFrame:
    asked = {"height": 128, "width": 128, **view}
    return draw_frame(np.random.default_rng(seed), View(kind=kind, **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("scene", ["crop", "field"])
def test_the_same_seed_draws_the_same_bytes(scene: str) -> None:
    for seed in range(4):
        one, other = drawn(None, seed, scene=scene), drawn(None, seed, scene=scene)
        assert one.kind == other.kind
        assert one.image.tobytes() == other.image.tobytes()
        assert one.labels.tobytes() == other.labels.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_the_shape_and_depth_asked_for(kind: str) -> None:
    for depth, dtype in ((8, np.uint8), (16, np.uint16)):
        frame = drawn(kind, height=80, width=96, bit_depth=depth)
        assert frame.image.shape == frame.labels.shape == frame.embryo_mask.shape == (80, 96)
        assert frame.image.dtype == dtype
        assert frame.labels.dtype == np.uint8
        assert frame.kind == kind


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(BLASTOCYSTS)))
def test_what_is_no_blastocyst_has_no_tissue_but_its_zona(kind: str) -> None:
    frame = drawn(kind)
    assert not frame.is_blastocyst
    assert set(np.unique(frame.labels)) <= {0, ZP.label}
    assert math.isnan(frame.truth["icm_area_px2"])
    assert math.isnan(frame.truth["te_thickness_mean_px"])


@pytest.mark.parametrize("kind", BLASTOCYSTS)
def test_a_blastocyst_has_all_its_tissues_and_no_zona_once_hatched(kind: str) -> None:
    for seed in range(3):
        frame = drawn(kind, seed)
        present = set(np.unique(frame.labels))
        assert {ICM.label, BLASTOCOEL.label, TE.label} <= present
        assert (ZP.label in present) == (kind != "hatched")
        assert not (frame.labels > 0)[~frame.embryo_mask].any()
        assert not (frame.other_mask & frame.embryo_mask).any()


@pytest.mark.parametrize("scene", ["crop", "field"])
def test_the_well_holds_the_whole_embryo(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wells: list[tuple[tuple[float, float], float]] = []
    monkeypatch.setattr(draw, "well_ring", lambda _rng, _contrast, *well: wells.append(well))
    seen = 0
    for seed in range(40):
        frame = drawn("hatching" if seed % 2 else "full", seed, scene=scene, fill=(0.8, 0.95))
        for centre, radius in wells:
            assert np.hypot(*(frame.embryo.everything() - centre).T).max() < radius
        seen += len(wells)
        wells.clear()
    assert seen > 3


def test_labels_agree_with_the_true_areas() -> None:
    for seed in range(3):
        frame = drawn("full", seed, fill=(0.6, 0.8), height=256, width=256)
        border = np.concatenate([frame.labels[[0, -1]].ravel(), frame.labels[:, [0, -1]].ravel()])
        if border.any() or not frame.labels.any():
            continue  # cut off by the picture's border
        for stem, label in (("blastocoel", BLASTOCOEL.label), ("te", TE.label), ("zp", ZP.label)):
            assert (frame.labels == label).sum() == pytest.approx(frame.truth[f"{stem}_area_px2"], rel=0.02)
        body = ((frame.labels > 0) & (frame.labels != ZP.label)).sum()
        assert 2 * math.sqrt(body / math.pi) == pytest.approx(
            frame.truth["blastocyst_diameter_px"], rel=0.004
        )


def test_the_true_zona_thickness_is_its_area_over_its_middle_circumference() -> None:
    truth = drawn("expanded", 5).truth
    inner = math.sqrt(4 / math.pi * (truth["embryo_area_px2"] - truth["zp_area_px2"]))
    middle = math.pi * 0.5 * (inner + truth["embryo_diameter_px"])
    assert truth["zp_thickness_mean_px"] == pytest.approx(truth["zp_area_px2"] / middle, rel=0.03)


def test_a_neighbour_is_never_labelled() -> None:
    seen = 0
    for seed in range(40):
        frame = drawn(None, seed, height=96, width=96)
        seen += frame.other_mask.any()
        assert not frame.labels[frame.other_mask].any()
    assert seen > 0


def test_unknown_names_are_answered_with_the_choices() -> None:
    with pytest.raises(UsageError, match="morula"):
        drawn("oocyte")
    with pytest.raises(UsageError, match="hoffman"):
        drawn("full", preset="confocal")


def test_every_preset_gives_a_picture_with_contrast() -> None:
    for preset in PRESETS:
        assert drawn("expanded", preset=preset).image.std() > 1
