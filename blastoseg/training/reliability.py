"""Does a probability mean what it says? Pixels by probability, and the expected calibration error.

The one computation for a model's card and for ``blastoseg evaluate``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.records import Mask

BINS = 15
"""Equal bins of probability, each with its upper limit and without its lower one (Guo et al. 2017)."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Pixels by the probability of their winning tissue; adding two joins their pixels.

    ``pixels`` counts them, ``right`` counts those whose winning tissue is true, ``confidence`` sums their
    probabilities; all ``(BINS,)``, bin m holding probabilities in ((m - 1) / BINS, m / BINS].
    """

    pixels: NDArray[np.int64]
    right: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @classmethod
    def empty(cls) -> "Reliability":
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64), np.zeros(BINS))

    @classmethod
    def of(cls, confidence: NDArray[np.floating], is_right: Mask) -> "Reliability":
        """Bins of any number of pixels; ``confidence`` and ``is_right`` are of one shape."""
        values = confidence.astype(np.float64).ravel()
        where = np.clip(np.ceil(values * BINS).astype(np.int64) - 1, 0, BINS - 1)
        return cls(
            np.bincount(where, minlength=BINS),
            np.bincount(where[is_right.ravel()], minlength=BINS),
            np.bincount(where, weights=values, minlength=BINS).astype(np.float64),
        )

    def __add__(self, other: "Reliability") -> "Reliability":
        return Reliability(
            self.pixels + other.pixels, self.right + other.right, self.confidence + other.confidence
        )

    def expected_calibration_error(self) -> float:
        """Mean of \\|share right - mean probability\\| over the bins, weighted by pixels (Guo et al. 2017).

        NaN without pixels.
        """
        total = int(self.pixels.sum())
        return float(np.abs(self.right - self.confidence).sum() / total) if total else float("nan")

    def table(self) -> pd.DataFrame:
        """One row for each bin: its limits, pixels, mean probability, share right (NaN for an empty bin)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return pd.DataFrame(
                {
                    "from": np.arange(BINS) / BINS,
                    "to": (np.arange(BINS) + 1) / BINS,
                    "pixels": self.pixels,
                    "mean_probability": self.confidence / self.pixels,
                    "share_right": self.right / self.pixels,
                }
            )
