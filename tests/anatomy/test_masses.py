"""An embryo has one inner cell mass, unless a second one is as good as certain."""

import numpy as np
import pytest

from blastoseg.anatomy import clean_labels, tidy_labels
from blastoseg.measure import measure_labels
from blastoseg.tissues import CHANNEL_OF_LABEL
from tests.anatomy.drawn import SIDE, embryo, figure_of_eight, jaccard


def with_second_mass(radius: float) -> np.ndarray:
    labels = embryo()
    y, x = np.mgrid[:SIDE, :SIDE]
    labels[(np.hypot(x - 172, y - 128) < radius) & (labels == 2)] = 1
    return labels


@pytest.mark.parametrize("radius", [8, 20])
def test_a_small_second_inner_cell_mass_belongs_to_the_cavity(radius):
    assert jaccard(tidy_labels(with_second_mass(radius)), embryo()) > 0.98


@pytest.mark.parametrize(("sure", "masses"), [(0.7, 1), (0.9, 2)])
def test_a_large_second_inner_cell_mass_is_one_where_the_network_is_sure(sure, masses):
    labels = with_second_mass(30)
    probabilities = np.stack([np.where(labels == value, 0.96, 0.01) for value in (1, 2, 3, 4, 0)])
    second = (labels == 1) & (embryo() != 1)
    probabilities[CHANNEL_OF_LABEL[1]][second] = sure
    cleaned = clean_labels(probabilities.astype(np.float32))
    assert measure_labels(cleaned)["icm_components"] == masses


def test_a_crack_does_not_part_an_inner_cell_mass():
    labels = embryo()
    x = np.mgrid[:SIDE, :SIDE][1]
    cracked = np.where((labels == 1) & (np.abs(x - 85) < 1), 2, labels).astype(np.uint8)
    assert np.count_nonzero(tidy_labels(cracked) == 1) > 0.9 * np.count_nonzero(labels == 1)


def test_an_inner_cell_mass_that_the_zona_parts_stays_on_either_side():
    labels = figure_of_eight()
    y, x = np.mgrid[:SIDE, :SIDE]
    inside, outside = np.hypot(x - 75, y - 128) < 20, np.hypot(x - 210, y - 128) < 14
    labels[inside | outside] = 1
    cleaned = tidy_labels(labels)
    assert (cleaned[inside] == 1).mean() > 0.9
    assert (cleaned[outside] == 1).mean() > 0.9


@pytest.mark.parametrize(("radius", "is_found"), [(5, False), (14, True)])
def test_a_crumb_alone_is_no_inner_cell_mass(radius, is_found):
    labels = embryo()
    y, x = np.mgrid[:SIDE, :SIDE]
    labels[labels == 1] = 2
    labels[(np.hypot(x - 128, y - 128) < radius) & (labels == 2)] = 1
    area = measure_labels(tidy_labels(labels))["icm_area_px2"]
    assert np.isfinite(area) == is_found
