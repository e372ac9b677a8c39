"""One image with another's coarse tones: the exchange of amplitude spectra."""

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]


def exchange_amplitude(image: Gray, donor: Gray, beta: float) -> Gray:
    """The image with the donor's amplitudes at frequencies up to ``beta``, its own phases everywhere.

    ``beta`` is in cycles a pixel, along either axis: 0.01 are waves of 100 pixels and longer, the mean among
    them; 0 gives the image itself. Both are ``(y, x)``, of one shape. Fourier domain adaptation: Yang &
    Soatto 2020, FDA. Raises ValueError for two shapes.
    """
    if image.shape != donor.shape:
        raise ValueError(f"image {image.shape} and donor {donor.shape}: they must be of one shape")
    if not beta:
        return image
    spectrum = np.fft.rfft2(image)
    amplitude = np.abs(spectrum)
    rows, columns = np.abs(np.fft.fftfreq(image.shape[0])), np.fft.rfftfreq(image.shape[1])
    low = (rows[:, None] <= beta) & (columns[None, :] <= beta)
    # What has no amplitude has no phase: it stays nothing.
    phase = np.divide(spectrum, amplitude, out=np.zeros_like(spectrum), where=amplitude > 0)
    spectrum[low] = (np.abs(np.fft.rfft2(donor)) * phase)[low]
    return np.asarray(np.fft.irfft2(spectrum, image.shape), np.float32)
