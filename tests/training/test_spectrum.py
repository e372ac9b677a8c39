"""The exchange of amplitude spectra, by its properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg.training.spectrum import exchange_amplitude

BETA = 0.05


def picture(seed: int, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    """Gray values from 20 to 230, coarse and fine tones."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    slopes = rng.uniform(0, 0.3, (4, 2))
    waves = sum(np.sin(by_x * x + by_y * y + rng.uniform(0, 6)) for by_x, by_y in slopes)
    return (125 + 18 * waves + rng.normal(0, 5, shape)).clip(20, 230).astype(np.float32)


def low_and_high(image: np.ndarray, beta: float = BETA) -> tuple[np.ndarray, np.ndarray]:
    """The whole spectrum's values at frequencies up to ``beta``, and beyond."""
    rows, columns = (np.abs(np.fft.fftfreq(side)) <= beta for side in image.shape)
    low = rows[:, None] & columns[None]
    spectrum = np.fft.fft2(image)
    return spectrum[low], spectrum[~low]


@given(st.integers(0, 999))
def test_every_phase_is_kept(seed: int) -> None:
    image = picture(seed)
    changed = exchange_amplitude(image, picture(seed + 1), BETA)
    for before, after in zip(low_and_high(image), low_and_high(changed), strict=True):
        sure = np.abs(before) > 1
        turned = np.angle(after[sure] * before[sure].conj())
        # A wave that the donor hardly has keeps no phase to speak of.
        assert np.abs(turned[np.abs(after[sure]) > 1]).max() < 1e-2


@given(st.integers(0, 999))
def test_the_donors_amplitudes_are_taken_over_in_the_low_window_and_nowhere_else(seed: int) -> None:
    image, donor = picture(seed), picture(seed + 1)
    low, high = low_and_high(exchange_amplitude(image, donor, BETA))
    np.testing.assert_allclose(np.abs(low), np.abs(low_and_high(donor)[0]), rtol=1e-3, atol=0.5)
    np.testing.assert_allclose(high, low_and_high(image)[1], rtol=1e-3, atol=0.5)


def test_beta_0_is_the_image_itself() -> None:
    image = picture(1)
    np.testing.assert_array_equal(exchange_amplitude(image, picture(2), 0), image)


def test_an_image_is_its_own_donor() -> None:
    image = picture(3)
    np.testing.assert_allclose(exchange_amplitude(image, image, 0.5), image, atol=1e-2)


@given(st.integers(0, 999), st.floats(0.001, 0.5))
def test_the_mean_becomes_the_donors(seed: int, beta: float) -> None:
    image, donor = picture(seed), picture(seed + 1)
    assert exchange_amplitude(image, donor, beta).mean() == pytest.approx(donor.mean(), rel=1e-4)


def test_an_image_without_any_tone_stays_finite() -> None:
    flat = np.zeros((32, 32), np.float32)
    assert np.isfinite(exchange_amplitude(flat, picture(4, (32, 32)), BETA)).all()
    assert np.isfinite(exchange_amplitude(picture(4, (32, 32)), flat, BETA)).all()


def test_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        exchange_amplitude(picture(5), picture(5, (64, 48)), BETA)
