"""Does the network's probability mean what it says? Reliability and expected calibration error."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.records import Box, Labels, Mask, Probabilities
from blastoseg.tissues import LABEL_OF_CHANNEL

BINS = 15
"""Equal bins of probability (Guo et al. 2017)."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Pixels by the probability of their winning class; adding two joins their pixels.

    ``pixels`` counts them, ``right`` counts those whose winning class is true, ``confidence`` sums their
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
        """A row a bin: its limits, pixels, mean probability and share right (NaN for an empty bin)."""
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


def crop_reliability(
    probabilities: Probabilities, box: Box, reference: Labels
) -> tuple[Reliability, Reliability]:
    """Reliability over a crop's pixels inside the frame, and over those of them that are embryo.

    ``probabilities`` ``(channel, y, x)`` of the crop at the network's input size, before any cleaning;
    ``reference`` the frame's label map, read where the crop's pixel centres lie. Embryo are the pixels that
    the reference or the network calls a tissue: plain medium is easy, and would hide a wrong confidence.
    """
    side = probabilities.shape[1]
    offsets = np.floor((np.arange(side) + 0.5) * box.side / side).astype(np.int64)
    y, x = box.y + offsets, box.x + offsets
    in_y, in_x = (y >= 0) & (y < reference.shape[0]), (x >= 0) & (x < reference.shape[1])
    truth = reference[np.ix_(y[in_y], x[in_x])]
    inside = probabilities[:, in_y][:, :, in_x]
    predicted = np.asarray(LABEL_OF_CHANNEL, np.uint8)[inside.argmax(axis=0)]
    confidence, is_right = inside.max(axis=0), predicted == truth
    embryo = (truth > 0) | (predicted > 0)
    return Reliability.of(confidence, is_right), Reliability.of(confidence[embryo], is_right[embryo])
