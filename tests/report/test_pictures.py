"""Masks on disk: values for machines, colours for people."""

import cv2
import numpy as np
from PIL import Image

from blastoseg.datasets.pictures import read_values
from blastoseg.report.overlay import STRIP_HEIGHT, draw_overlay
from blastoseg.report.pictures import encode_label_image, encode_overlay
from blastoseg.simulate import View, draw_frame
from blastoseg.sources.label_images import read_label_image
from blastoseg.tissues import FOREGROUND, INSIDE_OUT

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


def test_an_overlay_is_small_and_its_outlines_keep_their_colours():
    frame = draw_frame(np.random.default_rng(4), View(500, 500, fill=(0.6, 0.7), kind="expanded"))
    drawn = draw_overlay(frame.image, frame.labels)
    encoded = encode_overlay(drawn)
    plain = cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    assert len(encoded) < 0.7 * len(plain)
    shown = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    for tissue in FOREGROUND:
        line = (drawn[:-STRIP_HEIGHT] == tissue.colour).all(axis=2)
        assert line.sum() > 60
        nearest = [np.abs(shown[:-STRIP_HEIGHT][line] - one.colour).sum(axis=1).mean() for one in FOREGROUND]
        assert FOREGROUND[int(np.argmin(nearest))] is tissue
    assert np.abs(shown - drawn).mean() < 6
