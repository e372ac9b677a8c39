"""The reliability of a crop against the labels of its frame."""

import numpy as np

from blastoseg.evaluation.calibration import crop_reliability
from blastoseg.records import Box
from blastoseg.tissues import LABEL_OF_CHANNEL


def test_a_crop_is_held_against_the_frame_where_it_lies_and_not_beyond_its_border():
    reference = np.zeros((40, 50), np.uint8)
    reference[:, 25:] = 3
    # The box hangs over the upper left corner: its right lower half shows x 0 to 40, y 0 to 40.
    box = Box(y=-40, x=-40, side=80)
    labels = np.zeros((16, 16), np.uint8)
    labels[8:, 13:] = 3
    probabilities = np.stack([(labels == label) * 0.9 + 0.02 for label in LABEL_OF_CHANNEL])
    crop, embryo = crop_reliability(probabilities.astype(np.float32), box, reference)
    assert crop.pixels.sum() == 8 * 8
    assert crop.right.sum() == 8 * 8
    assert embryo.pixels.sum() == 8 * 3
