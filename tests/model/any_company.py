"""A crop's answer is the same bytes whatever crops stand beside it, and however passes are shared out."""

import numpy as np

from blastoseg.model.segmenter import Segmenter


def check_any_company(segmenter: Segmenter, crops: np.ndarray, answer: np.ndarray) -> None:
    """Hold the answer to all of the crops against those to other companies of them."""
    with segmenter.side_by_side():
        np.testing.assert_array_equal(segmenter.segment_batch(crops[::-1])[::-1], answer)
    np.testing.assert_array_equal(segmenter.segment_batch(crops[1:2])[0], answer[1])
