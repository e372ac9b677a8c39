"""Boundary distances of shapes whose distance is known, and against scikit-image."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from skimage.draw import disk
from skimage.metrics import hausdorff_distance

from blastoseg.evaluation.boundary import boundary_distance, outline_pixels, tissue_boundaries


def square(top, left, side=20, shape=(60, 70)):
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def blob(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((80, 90), bool)
    for _ in range(4):
        mask[disk(rng.uniform(20, 60, 2), rng.uniform(5, 15), shape=mask.shape)] = True
    return mask


def test_the_same_mask_has_distance_zero():
    distance = boundary_distance(blob(1), blob(1))
    assert (distance.hausdorff_95_px, distance.mean_surface_px) == (0, 0)


def test_a_shifted_square_is_as_far_as_its_sides_moved():
    distance = boundary_distance(square(10, 10), square(10, 13))
    assert distance.hausdorff_95_px == pytest.approx(3)
    # The mean, from all pairs of pixels of two outlines drawn by hand.
    ours, theirs = np.argwhere(_ring(10, 10)), np.argwhere(_ring(10, 13))
    between = cdist(ours, theirs)
    expected = np.concatenate([between.min(axis=0), between.min(axis=1)]).mean()
    assert distance.mean_surface_px == pytest.approx(expected)


def _ring(top, left):
    return square(top, left) & ~square(top + 1, left + 1, side=18)


@pytest.mark.parametrize("seed", range(4))
def test_the_full_hausdorff_distance_of_the_same_outlines_is_that_of_scikit_image(seed):
    one, other = blob(seed), blob(seed + 50)
    ours, theirs = outline_pixels(one), outline_pixels(other)
    between = cdist(ours, theirs)
    drawn = [np.zeros(one.shape, bool) for _ in range(2)]
    for mask, pixels in zip(drawn, (ours, theirs), strict=True):
        mask[tuple(pixels.T)] = True
    directed = between.min(axis=1), between.min(axis=0)
    assert max(d.max() for d in directed) == pytest.approx(hausdorff_distance(*drawn))
    expected = max(np.percentile(d, 95) for d in directed)
    assert boundary_distance(one, other).hausdorff_95_px == pytest.approx(expected, rel=1e-12)


def test_one_stray_pixel_moves_the_largest_distance_but_not_the_95th_percentile():
    stray = square(10, 10)
    stray[58, 68] = True
    distance = boundary_distance(square(10, 10), stray)
    assert distance.hausdorff_95_px == 0
    assert distance.mean_surface_px > 0


def test_a_tissue_missing_in_one_map_has_no_distance():
    reference = np.zeros((40, 40), np.uint8)
    reference[5:20, 5:20] = 1
    distances = tissue_boundaries(reference, np.where(reference, 3, 0).astype(np.uint8))
    assert all(np.isnan(distance.hausdorff_95_px) for distance in distances.values())
    same = tissue_boundaries(reference, reference)
    assert same["icm"].mean_surface_px == 0
    assert np.isnan(same["te"].mean_surface_px)
    assert np.isnan(tissue_boundaries(reference * 0, reference * 0)["icm"].hausdorff_95_px)
