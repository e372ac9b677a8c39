"""What is carried between two frames is the shape in between, wherever it moved."""

import numpy as np
import pytest
from scipy import ndimage

from blastoseg.anatomy.carrying import carry_tissue, interpolate_mask
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP

SIDE = 200


def disc(y, x, radius):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.hypot(rows - y, columns - x) <= radius


def embryo(y, x, radius, zona=10, icm=18):
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[disc(y, x, radius)] = ZP.label
    labels[disc(y, x, radius - zona)] = TE.label
    labels[disc(y, x, radius - zona - 8)] = BLASTOCOEL.label
    labels[disc(y - radius + zona + 12 + icm, x, icm)] = ICM.label
    return labels


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_discs_that_grow_and_move_give_the_disc_in_between(share):
    found = interpolate_mask(disc(80, 70, 30), disc(120, 140, 50), share)
    radius = 30 + 20 * share
    assert abs(np.sqrt(found.sum() / np.pi) - radius) < 0.6
    centre = np.argwhere(found).mean(axis=0)
    assert np.abs(centre - [80 + 40 * share, 70 + 70 * share]).max() < 0.6
    assert (found ^ disc(*centre, radius)).sum() < 0.05 * found.sum()


def test_an_ellipse_that_turns_into_a_disc_keeps_its_axes_in_between():
    rows, columns = np.mgrid[:SIDE, :SIDE] - 100.0
    ellipse = (rows / 30) ** 2 + (columns / 60) ** 2 <= 1
    found = interpolate_mask(ellipse, disc(100, 100, 40), 0.5)
    extent = np.ptp(np.argwhere(found), axis=0) / 2
    assert extent == pytest.approx([35, 50], abs=1.5)


def test_the_zona_stays_a_closed_ring_of_the_thickness_in_between_also_where_it_moved_far():
    before, after = embryo(90, 90, 60, zona=12), embryo(110, 115, 80, zona=6)
    between = embryo(100, 102, 66, zona=20)
    carried = carry_tissue(before, after, between, 0.5, tissue=ZP)
    zona = carried == ZP.label
    filled = ndimage.binary_fill_holes(zona)
    assert np.abs(np.argwhere(filled).mean(axis=0) - [100, 102.5]).max() < 1
    outer = np.sqrt(filled.sum() / np.pi)
    thickness = outer - np.sqrt((filled & ~zona).sum() / np.pi)
    assert outer == pytest.approx(70, abs=1)
    assert thickness == pytest.approx(9, abs=1)


def test_what_the_tissue_gives_up_goes_to_its_neighbour_and_others_stay():
    before = after = embryo(100, 100, 70, icm=14)
    between = embryo(100, 100, 70, icm=20)
    carried = carry_tissue(before, after, between, 0.5, tissue=ICM)
    assert ((carried == ICM.label) == (before == ICM.label)).mean() > 0.998
    others = (between != ICM.label) & (before != ICM.label)
    assert (carried[others] == between[others]).all()
    assert set(np.unique(carried[(between == ICM.label) & (carried != ICM.label)])) <= {
        BLASTOCOEL.label,
        TE.label,
    }


def test_carrying_between_equal_frames_changes_nothing():
    labels = embryo(100, 100, 70)
    for tissue in (ICM, ZP):
        assert (carry_tissue(labels, labels, labels, 0.3, tissue=tissue) != labels).sum() <= 4


def test_a_tissue_that_is_missing_on_one_side_is_refused():
    labels = embryo(100, 100, 70)
    with pytest.raises(ValueError, match="missing"):
        carry_tissue(labels, np.zeros_like(labels), labels, 0.5, tissue=ZP)
