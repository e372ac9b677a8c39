"""The pictures that show an embryo."""

import logging

import cv2
import numpy as np
import pytest

from blastoseg.report.embryo_pictures import Pictures
from blastoseg.report.pictures import encode_label_image


@pytest.mark.parametrize("lost", ["m.png", "o.jpg"])
def test_a_picture_that_cannot_be_read_is_left_out_and_told_of_in_the_log(tmp_path, caplog, lost):
    (tmp_path / "m.png").write_bytes(encode_label_image(np.full((64, 64), 4, np.uint8)))
    cv2.imwrite(str(tmp_path / "o.jpg"), np.zeros((64, 64, 3), np.uint8))
    pictures = Pictures(tmp_path / "m.png", tmp_path / "o.jpg")
    assert pictures.thumbnail(32) is not None
    (tmp_path / lost).write_bytes(b"damaged")
    with caplog.at_level(logging.WARNING):
        assert pictures.thumbnail(32) is None
    assert lost in caplog.text
    assert "the report goes without it" in caplog.text
