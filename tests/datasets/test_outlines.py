import numpy as np
import pytest
from skimage.draw import polygon2mask

from blastoseg.datasets import CaseError
from blastoseg.datasets.outlines import fill_rings, ring_from

SHAPE = (23, 31)


@pytest.mark.parametrize("seed", range(40))
def test_an_outline_is_filled_as_scikit_image_fills_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-10, 45, (rng.integers(3, 12), 2))
    expected = polygon2mask(SHAPE, points[:, ::-1] - 0.5)
    assert np.array_equal(fill_rings([ring_from(points, "x")], SHAPE, "x"), expected)


def test_a_second_ring_is_a_hole_and_the_picture_s_border_cuts() -> None:
    outer = ring_from([(-5, -5), (40, -5), (40, 40), (-5, 40)], "x")
    hole = ring_from([(3, 2), (7, 2), (7, 6), (3, 6)], "x")
    expected = np.ones(SHAPE, bool)
    expected[2:6, 3:7] = False
    assert np.array_equal(fill_rings([outer, hole], SHAPE, "x"), expected)


def test_an_outline_made_to_exhaust_memory_is_refused() -> None:
    zigzag = np.tile([[0.0, 0.0], [1.0, 9_000.0]], (3_000, 1))
    with pytest.raises(CaseError, match="too many points"):
        fill_rings([zigzag], (9_000, 100), "x")
