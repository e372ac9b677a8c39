"""Labels follow how a reader parts the tissues, and the truth follows the labels."""

import numpy as np
import pytest
from scipy import ndimage

from blastoseg.simulate import View, draw_frame
from blastoseg.simulate.masks import tissue_masks
from blastoseg.simulate.reading import LEFT_SHARE, TOUCHING, Reading, as_read
from blastoseg.simulate.truth import true_measures

SIDE = 320
PARTED = Reading(polar_te=0.06, strip=0.02, bulges=False)


def touching(icm: np.ndarray, te: np.ndarray) -> float:
    """Share of the mass's outline that has trophectoderm within two pixels."""
    edge = icm & ~ndimage.binary_erosion(icm)
    return float((ndimage.distance_transform_edt(~te)[edge] <= 2).mean())


@pytest.mark.parametrize("kind", ["full", "expanded", "collapsed", "hatching"])
def test_a_parted_reading_leaves_a_strip_and_trophectoderm_behind_the_mass(kind: str) -> None:
    for seed in range(8):
        view = View(SIDE, SIDE, fill=(0.8, 0.9), kind=kind)
        embryo = draw_frame(np.random.default_rng(seed), view).embryo
        masks = tissue_masks(embryo, (SIDE, SIDE))
        read = as_read(masks, PARTED, embryo.scale, kind)
        too_flat = read.icm.sum() < (LEFT_SHARE + 0.2) * masks.icm.sum()
        assert too_flat or touching(read.icm, read.te) <= 0.02
        assert not (read.icm & ~masks.icm).any()
        assert read.icm.sum() >= LEFT_SHARE * masks.icm.sum()
        assert not (read.te & masks.bulges).any()
        assert ((read.icm | read.te | read.cavity) == masks.body).all()
        assert not (read.icm & read.te).any() and not (read.cavity & (read.icm | read.te)).any()


def test_the_touching_reading_is_the_embryo_as_it_is() -> None:
    embryo = draw_frame(np.random.default_rng(1), View(SIDE, SIDE, kind="full")).embryo
    masks = tissue_masks(embryo, (SIDE, SIDE))
    assert as_read(masks, TOUCHING, embryo.scale, "full") is masks


def test_the_true_measures_are_those_of_the_reading() -> None:
    frame = draw_frame(np.random.default_rng(0), View(SIDE, SIDE, fill=(0.7, 0.8), kind="expanded"))
    as_it_is, parted = (true_measures(frame.embryo, reading) for reading in (TOUCHING, PARTED))
    assert parted["icm_area_px2"] < as_it_is["icm_area_px2"]
    assert parted["blastocyst_area_px2"] == pytest.approx(as_it_is["blastocyst_area_px2"])


@pytest.mark.slow
def test_hoffman_images_are_read_as_their_readers_drew_them() -> None:
    """Readers' masks of 199 stills: 5 % of the mass's outline touches; it is 18 % of the blastocyst."""
    contact, share = [], []
    for seed in range(40):
        view = View(SIDE, SIDE, fill=(0.8, 0.9), kind="full" if seed % 2 else "expanded", preset="hoffman")
        labels = draw_frame(np.random.default_rng(seed), view).labels
        icm, te = labels == 1, labels == 3
        contact.append(touching(icm, te))
        share.append(icm.sum() / np.isin(labels, (1, 2, 3)).sum())
    assert np.median(contact) < 0.05
    assert 0.12 < np.median(share) < 0.22
