"""The reliability of a crop's probabilities, held against the reference labels of its frame."""

import numpy as np

from blastoseg.records import Box, Labels, Probabilities
from blastoseg.tissues import LABEL_OF_CHANNEL
from blastoseg.training.reliability import Reliability


def crop_reliability(
    probabilities: Probabilities, box: Box, reference: Labels
) -> tuple[Reliability, Reliability]:
    """Reliability over a crop's pixels inside the frame, and over those of them that are embryo.

    ``probabilities`` ``(channel, y, x)`` of the crop at the network's input size, before any cleaning;
    ``reference`` the labels of the frame, read where the crop's pixel centres lie. Embryo are the pixels that
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
