"""A JPEG with damaged pixels is refused or doubted; a whole one never is."""

import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.simulate import View, draw_frame
from blastoseg.sources.avi import index_frames
from blastoseg.sources.decode import decode_picture, decode_whole
from blastoseg.sources.jpeg import BYTES_LEFT, JUMP_AT_ROW, ODD_TABLE

HARMLESS = 0.5
"""Mean gray levels: one block changed, or all of them a little."""


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return draw_frame(np.random.default_rng(7), View(320, 320, fill=(0.5, 0.7), kind="expanded")).image


def encoded(image: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def pixels_of(jpeg: bytes) -> int:
    """Where the entropy-coded pixels begin."""
    header = jpeg.index(b"\xff\xda")
    return header + 2 + int.from_bytes(jpeg[header + 2 : header + 4], "big")


def outcomes(copies: list[bytes]) -> list[str]:
    found = []
    for copy in copies:
        try:
            found.append(decode_picture(copy, "a").damage)
        except UnreadableFrameError:
            found.append("failed")
    return found


def unnoticed(copies: list[bytes], whole: bytes) -> list[float]:
    """How far, in mean gray levels, copies are off that are neither refused nor doubted, if it matters."""
    image, off = decode_whole(whole, "a").astype(int), []
    for copy in copies:
        with contextlib.suppress(UnreadableFrameError):
            off.append(float(np.abs(decode_whole(copy, "a") - image).mean()))
    return [one for one in off if one > HARMLESS]


@pytest.mark.parametrize(
    "options",
    [{"quality": 30}, {"quality": 75}, {"quality": 95, "progressive": True}, {"restart_marker_rows": 1}],
)
@pytest.mark.parametrize("colours", [False, True])
def test_a_whole_jpeg_decodes_as_pillow_decodes_it_and_is_not_doubted(image, options, colours) -> None:
    drawn = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if colours else image
    jpeg = encoded(drawn, **options)
    decoded = decode_picture(jpeg, "a")
    picture = Pillow.open(io.BytesIO(jpeg))
    picture.draft("L", picture.size)
    assert np.array_equal(decoded.image, np.array(picture.convert("L")))
    assert decoded.damage == ""


def test_the_grid_that_an_earlier_coarse_compression_left_is_seldom_taken_for_damage() -> None:
    view = View(128, 128, preset="unseen")
    images = (draw_frame(np.random.default_rng(seed), view).image for seed in range(60))
    found = [decode_picture(encoded(image, quality=90), "a").damage for image in images]
    assert sum(bool(damage) for damage in found) <= 8


def test_no_real_frame_is_doubted(real: Path) -> None:
    files = [*real.glob("embryoscope/frames/*/*.jpg"), *real.glob("frames/*.jpg")]
    jpegs = [file.read_bytes() for file in files]
    video = (real / "videos" / "embryoscope_well6.avi").read_bytes()
    frames = index_frames(real / "videos" / "embryoscope_well6.avi").frames
    jpegs += [video[offset : offset + length] for offset, length in frames]
    assert len(jpegs) > 100
    assert set(outcomes(jpegs)) == {""}


@pytest.mark.parametrize("taken", [1, 8, 300])
def test_bytes_cut_out_of_the_pixels_are_noticed(image, taken) -> None:
    jpeg = encoded(image, quality=90)
    begins = pixels_of(jpeg)
    places = range(begins + 200, len(jpeg) - 1000, (len(jpeg) - begins) // 12)
    assert not unnoticed([jpeg[:place] + jpeg[place + taken :] for place in places], jpeg)


def test_a_run_of_zeros_in_the_pixels_is_noticed(image) -> None:
    jpeg = encoded(image, quality=90)
    begins = pixels_of(jpeg)
    places = range(begins + 200, len(jpeg) - 1000, (len(jpeg) - begins) // 12)
    assert not unnoticed([jpeg[:place] + bytes(256) + jpeg[place + 256 :] for place in places], jpeg)


def test_the_halves_of_two_frames_in_one_file_are_noticed(image) -> None:
    one, other = encoded(image, quality=90), encoded(np.ascontiguousarray(image[::-1]), quality=90)
    shares = [0.1, 0.3, 0.5, 0.7, 0.9]
    glued = [one[: int(len(one) * share)] + other[int(len(other) * share) :] for share in shares]
    assert "" not in outcomes(glued)


def test_few_bytes_too_many_are_noticed_though_the_decoder_does_not_warn(image) -> None:
    jpeg = encoded(image)
    end = jpeg.rindex(b"\xff\xd9")
    assert decode_picture(jpeg[:end] + b"\x35\xa2" + jpeg[end:], "a").damage == BYTES_LEFT
    with pytest.raises(UnreadableFrameError, match="looks damaged"):
        decode_whole(jpeg[:end] + b"\x35\xa2" + jpeg[end:], "a")


@pytest.mark.parametrize("padding", [b"\0", b"\0\0", b"\xff", b"\xff\xff\xff"])
def test_padding_before_the_end_marker_is_no_damage(image, padding) -> None:
    jpeg = encoded(image)
    end = jpeg.rindex(b"\xff\xd9")
    assert decode_picture(jpeg[:end] + padding + jpeg[end:], "a").damage == ""


def test_a_value_of_a_standard_quantisation_table_that_was_changed_is_noticed(image) -> None:
    jpeg = bytearray(encoded(image))
    jpeg[jpeg.index(b"\xff\xdb") + 9] ^= 0x20
    assert ODD_TABLE in decode_picture(bytes(jpeg), "a").damage


@pytest.mark.parametrize("row", [64, 160, 256])
def test_a_step_of_brightness_from_one_block_on_is_noticed(image, row) -> None:
    shifted = np.clip(image.astype(int), 0, 250)
    shifted[row + 8 :] += 4
    shifted[row : row + 8, 120:] += 4
    damage = decode_picture(encoded(shifted.astype(np.uint8), quality=95), "a").damage
    assert damage == f"{JUMP_AT_ROW}{row}"


def test_a_banner_is_no_step_of_brightness(image) -> None:
    marked = image.copy()
    marked[-32:] = 255
    assert decode_picture(encoded(marked, quality=90), "a").damage == ""
