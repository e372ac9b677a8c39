"""Masks on disk: values for machines, colours for people."""

import numpy as np
from PIL import Image

from blastoseg.datasets.pictures import read_values
from blastoseg.report.pictures import encode_label_image
from blastoseg.sources.label_images import read_label_image
from blastoseg.tissues import INSIDE_OUT

drawn_labels = np.arange(100 * 90, dtype=np.uint8).reshape(100, 90) % 5


def test_a_label_image_shows_the_tissues_colours_and_keeps_their_values(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(encode_label_image(drawn_labels))
    with Image.open(path) as picture:
        assert picture.mode == "P"
        assert (np.array(picture) == drawn_labels).all()
        shown = np.array(picture.convert("RGB"))
    for tissue in INSIDE_OUT:
        assert (shown[drawn_labels == tissue.label] == tissue.colour).all()


def test_its_readers_get_the_values_back_and_not_the_colours(tmp_path):
    path = tmp_path / "mask.png"
    path.write_bytes(encode_label_image(drawn_labels))
    assert (read_label_image(path, "mask.png") == drawn_labels).all()
    assert (read_values(path, "mask.png", drawn_labels.shape) == drawn_labels).all()


def test_it_has_eight_bits_a_pixel_which_every_reader_knows(tmp_path):
    header = encode_label_image(drawn_labels)[:33]
    bit_depth, colour_type = header[24], header[25]
    assert (bit_depth, colour_type) == (8, 3)
