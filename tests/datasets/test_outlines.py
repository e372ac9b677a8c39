import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from blastoseg.datasets import CaseError
from blastoseg.datasets.outlines import fill_rings, ring_from

SHAPE = (23, 31)
coordinates = st.floats(-10, 45).map(lambda value: round(value, 2) + 0.003)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=3))
def test_a_triangle_is_filled_as_scikit_image_fills_it(points: list[tuple[float, float]]) -> None:
    expected = polygon2mask(SHAPE, np.array(points)[:, ::-1] - 0.5)
    found = fill_rings([ring_from(points, "x")], SHAPE, "x")
    # They may decide otherwise on a pixel whose centre is on the outline.
    assert np.count_nonzero(found != expected) <= 1


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
