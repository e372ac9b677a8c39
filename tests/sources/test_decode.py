import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.sources.decode import decode_whole
from blastoseg.sources.images import read_image


def _encoded(image: Pillow.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P", "RGBA", "LA"])
def test_every_kind_and_colour_becomes_one_gray_channel(kind: str, mode: str) -> None:
    if (kind, mode) in {("JPEG", "P"), ("JPEG", "RGBA"), ("JPEG", "LA"), ("BMP", "LA"), ("BMP", "RGBA")}:
        pytest.skip("there is no such picture")
    gray = Pillow.fromarray(np.repeat(np.arange(0, 240, 5, np.uint8)[:, None], 40, axis=1))
    image = decode_whole(_encoded(gray.convert(mode), kind), "a")
    assert image.shape == (48, 40)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - np.asarray(gray)).max() <= 6


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_16_bit_png_keeps_its_depth(channels: int) -> None:
    gray = np.linspace(0, 65535, 40 * 40).astype(np.uint16).reshape(40, 40)
    image = gray if channels == 1 else np.repeat(gray[..., None], channels, axis=2)
    decoded = decode_whole(cv2.imencode(".png", image)[1].tobytes(), "a")
    assert decoded.dtype == np.uint16
    assert np.abs(decoded.astype(int) - gray).max() <= 1


def test_colour_becomes_luma_not_one_of_its_channels() -> None:
    green = Pillow.new("RGB", (40, 40), (0, 255, 0))
    assert decode_whole(_encoded(green, "PNG"), "a").mean() == pytest.approx(0.587 * 255, abs=1)


def test_the_camera_orientation_in_exif_is_ignored() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = _encoded(Pillow.new("L", (64, 40)), "JPEG", exif=exif)
    assert decode_whole(data, "a").shape == (40, 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_a_truncated_picture_is_unreadable_and_named(
    kind: str, share: float, picture: Callable[[int], np.ndarray]
) -> None:
    data = _encoded(Pillow.fromarray(picture(0)), kind)
    with pytest.raises(UnreadableFrameError, match=r"^day5/a\.x: .*export it again"):
        decode_whole(data[: int(len(data) * share)], "day5/a.x")


def test_a_jpeg_whose_rest_was_filled_with_zeros_is_unreadable(jpeg: bytes) -> None:
    with pytest.raises(UnreadableFrameError, match="cut short"):
        decode_whole(jpeg[: len(jpeg) // 2].ljust(len(jpeg), b"\0"), "a.jpg")


def test_a_truncated_16_bit_png_is_unreadable() -> None:
    data = cv2.imencode(".png", np.random.default_rng(0).integers(0, 65535, (40, 40)).astype(np.uint16))[
        1
    ].tobytes()
    with pytest.raises(UnreadableFrameError):
        decode_whole(data[:-100], "a.png")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"well 6, 19.5 h\n", "text"),
        (bytes(4000), "zeros"),
        (b"\x89\x01\xfe" * 99, "unknown"),
    ],
)
def test_what_is_no_picture_is_said_to_be_what_it_is(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFrameError, match=words):
        decode_whole(data, "a.png")


def test_a_picture_of_one_pixel_is_too_small() -> None:
    with pytest.raises(UnreadableFrameError, match="1 x 1 pixels is too small"):
        decode_whole(_encoded(Pillow.new("L", (1, 1)), "PNG"), "a.png")


def test_a_small_file_that_claims_a_huge_picture_is_refused_before_decoding() -> None:
    data = bytearray(_encoded(Pillow.new("L", (40, 40)), "BMP"))
    data[18:26] = (20_000).to_bytes(4, "little") * 2
    with pytest.raises(UnreadableFrameError, match="limit of 80 megapixels"):
        decode_whole(bytes(data), "a.bmp")


def test_a_file_that_went_away_is_unreadable_and_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFrameError, match=r"^a\.jpg: cannot be read"):
        read_image(tmp_path / "a.jpg", "a.jpg")
