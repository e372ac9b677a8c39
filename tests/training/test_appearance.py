"""How a crop looks, in numbers that its place and its gray scale do not change."""

import numpy as np
import pytest

from blastoseg.records import Image, Labels
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP
from blastoseg.training.appearance import BAND_SIGMAS, DISTANCES, appearance_of

SIDE = 160
TISSUES = 5
OF_TISSUES = TISSUES * (2 + len(BAND_SIGMAS))
OF_OUTLINE = len(DISTANCES) + 2
RELIEF = OF_TISSUES + len(DISTANCES)
"""Where the relief of the embryo's outline stands."""


def embryo() -> Labels:
    """Rings of zona and trophectoderm around a cavity with an inner cell mass."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(y, x)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for reach, tissue in ((64, ZP), (54, TE), (44, BLASTOCOEL)):
        labels[radius < reach] = tissue.label
    labels[(np.hypot(y, x - 28) < 14) & (radius < 44)] = ICM.label
    return labels


def picture(labels: Labels, seed: int = 0) -> Image:
    rng = np.random.default_rng(seed)
    return np.asarray(100 + 12.0 * labels + rng.normal(0, 4, labels.shape), np.uint8)


def looks(image: Image, labels: Labels) -> np.ndarray:
    values = appearance_of(image, labels)
    assert values is not None
    return values


def test_turning_the_crop_or_stretching_its_grays_changes_no_number_by_much() -> None:
    labels = embryo()
    image = picture(labels)
    plain = looks(image, labels)
    assert len(plain) == OF_TISSUES + 4 * OF_OUTLINE
    turned = looks(np.ascontiguousarray(np.rot90(image)), np.ascontiguousarray(np.rot90(labels)))
    np.testing.assert_allclose(turned, plain, atol=0.02)
    stretched = looks(np.asarray(image.astype(float) * 1.5 - 40, np.float32), labels)
    np.testing.assert_allclose(stretched, plain, atol=1e-3)


def test_an_outline_lit_from_one_side_has_a_relief_of_the_shading() -> None:
    labels = embryo()
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    radius = np.hypot(y, x)
    rim = np.abs(radius - 64) < 4
    image = picture(labels).astype(np.float32)
    lit = image + 30 * rim * x / np.maximum(radius, 1)
    assert looks(image, labels)[RELIEF] < 0.1
    assert looks(lit, labels)[RELIEF] == pytest.approx(30 / lit.std(), rel=0.1)


def test_noise_stands_in_the_finest_band() -> None:
    labels = embryo()
    rng = np.random.default_rng(3)
    noisy = np.asarray(np.clip(picture(labels) + rng.normal(0, 12, labels.shape), 0, 255), np.uint8)
    changed = looks(noisy, labels) - looks(picture(labels), labels)
    per_tissue = changed[:OF_TISSUES].reshape(TISSUES, -1)
    assert (per_tissue[:, 2] > 0.5).all()  # after the median and all structure
    assert (per_tissue[:, 2] > per_tissue[:, -1]).all()


@pytest.mark.parametrize("tissue", [ICM, BLASTOCOEL, TE, ZP])
def test_without_one_of_the_tissues_nothing_is_said(tissue: object) -> None:
    labels = embryo()
    labels[labels == tissue.label] = 0  # type: ignore[attr-defined]
    assert appearance_of(picture(labels), labels) is None
