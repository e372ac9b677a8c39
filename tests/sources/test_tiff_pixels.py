"""Kinds of TIFF pixels that are no plain gray: converted rightly, or failed with the reason."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.sources.addresses import StackPlane
from blastoseg.sources.decode import decode_whole
from blastoseg.sources.stack import read_plane

GRAY = np.random.default_rng(2).integers(20, 240, (48, 64), dtype=np.uint8)
FIRST = StackPlane(0, 0)


def test_half_floats_keep_their_gray_levels(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, (GRAY / 255).astype(np.float16))
    image = read_plane(path, FIRST, "a.tif")
    assert image.dtype == np.uint16
    assert np.abs(image / 65535 * 255 - GRAY).max() < 0.2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_black_ink_alone_is_a_gray_picture(tmp_path, dtype, compression):
    most = np.iinfo(dtype).max
    inks = np.zeros((*GRAY.shape, 4), dtype)
    inks[..., 3] = most - GRAY.astype(dtype) * (most // 255)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, inks, photometric="separated", compression=compression)
    assert np.abs(read_plane(path, FIRST, "a.tif") / (most / 255) - GRAY).max() <= 1


def test_inks_through_pillows_decoder_are_the_same(tmp_path):
    inks = np.zeros((*GRAY.shape, 4), np.uint8)
    inks[..., 3] = 255 - GRAY
    path = tmp_path / "a.tif"
    Pillow.fromarray(inks, "CMYK").save(path, compression="tiff_lzw")
    assert np.array_equal(read_plane(path, FIRST, "a.tif"), GRAY)


def test_a_jpeg_of_four_inks_is_as_light_as_pillow_shows_it():
    inks = np.random.default_rng(5).integers(0, 255, (6, 8, 4), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    buffer = io.BytesIO()
    Pillow.fromarray(inks, "CMYK").save(buffer, "JPEG", quality=100)
    shown = np.array(Pillow.open(io.BytesIO(buffer.getvalue())).convert("RGB").convert("L")).astype(int)
    try:
        image = decode_whole(buffer.getvalue(), "a.jpg")
    except UnreadableFrameError:
        return
    assert np.abs(image - shown).mean() < 4


@pytest.mark.parametrize("compression", [None, "group4"])
def test_black_and_white_is_no_picture_of_an_embryo_but_may_be_a_mask(tmp_path, compression):
    path = tmp_path / "a.tif"
    Pillow.fromarray(GRAY > 128).save(path, compression=compression)
    with pytest.raises(UnreadableFrameError, match="one bit a pixel"):
        read_plane(path, FIRST, "a.tif")
    assert set(np.unique(read_plane(path, FIRST, "a.tif", is_mask=True))) == {0, 255}


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "1"), ("BMP", "1"), ("PNG", "P")])
def test_black_and_white_pictures_of_other_kinds_fail_too(kind, mode):
    buffer = io.BytesIO()
    Pillow.fromarray(GRAY > 128).convert(mode).save(buffer, kind)
    with pytest.raises(UnreadableFrameError, match="one bit a pixel"):
        decode_whole(buffer.getvalue(), "a")


def test_a_damaged_jpeg_inside_a_tiff_fails(tmp_path):
    path = tmp_path / "a.tif"
    Pillow.fromarray(GRAY).save(path, compression="jpeg")
    assert np.abs(read_plane(path, FIRST, "a.tif").astype(int) - GRAY).mean() < 15
    with tifffile.TiffFile(path) as tiff:
        offset, length = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[offset + length // 2 : offset + length // 2 + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(UnreadableFrameError, match="damaged"):
        read_plane(path, FIRST, "a.tif")
