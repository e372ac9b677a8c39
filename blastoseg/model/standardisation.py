"""How an image is prepared for a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def standardise(image: NDArray[Any]) -> NDArray[np.float32]:
    """A gray image less its mean, over its standard deviation, float32; zeros for a constant image."""
    values = np.asarray(image, np.float32)
    mean, deviation = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    if not deviation > 1e-6 * max(1.0, abs(mean)):
        return np.zeros_like(values)
    return (values - np.float32(mean)) * np.float32(1 / deviation)
