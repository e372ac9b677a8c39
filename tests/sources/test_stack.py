from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, read_frame

Find = Callable[..., Discovery]
OPTIONS = SourceOptions(Naming())
STACK = np.random.default_rng(0).integers(0, 60_000, (6, 40, 48)).astype(np.uint16)


def test_an_imagej_stack_is_one_embryo_with_pixel_size_and_hours(tmp_path: Path, find: Find) -> None:
    path = tmp_path / "WELL3.tif"
    metadata = {"axes": "TYX", "unit": "micron", "finterval": 900.0}
    tifffile.imwrite(path, STACK, imagej=True, resolution=(2.0, 2.0), metadata=metadata)
    refs = find(path).refs
    assert [(ref.embryo_id, ref.time_h) for ref in refs] == [("WELL3", 0.25 * index) for index in range(6)]
    assert refs[0].time_reference is TimeReference.RECORDING
    assert (refs[5].um_per_px, refs[5].um_per_px_source) == (0.5, "metadata (ImageJ)")
    with ThreadPoolExecutor(3) as pool:
        images = [frame.image for frame in pool.map(lambda ref: read_frame(ref, OPTIONS), refs)]
    assert np.array_equal(np.array(images), STACK)
    assert images[0].dtype == np.uint16


def test_an_ome_stack_over_time_and_focus_has_its_middle_plane_as_0(tmp_path: Path, find: Find) -> None:
    path = tmp_path / "E1.ome.tif"
    metadata = {
        "axes": "TZYX",
        "PhysicalSizeX": 350.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.35,
        "PhysicalSizeYUnit": "\u00b5m",
        "TimeIncrement": 20.0,
        "TimeIncrementUnit": "min",
    }
    tifffile.imwrite(path, STACK.reshape(2, 3, 40, 48), ome=True, metadata=metadata)
    refs = find(path).refs
    assert [(ref.embryo_id, ref.focal_plane) for ref in refs] == [("E1", 0), ("E1", 0)]
    assert refs[1].time_h == pytest.approx(1 / 3)
    assert refs[0].um_per_px == pytest.approx(0.35)
    assert refs[0].um_per_px_source == "metadata (OME)"
    assert np.array_equal(read_frame(refs[1], OPTIONS).image, STACK[4])
    above = find(path, focal="1").refs
    assert np.array_equal(read_frame(above[1], OPTIONS).image, STACK[5])


def test_pages_in_a_row_are_moments(tmp_path: Path, find: Find) -> None:
    path = tmp_path / "E1" / "stack.tiff"
    path.parent.mkdir()
    with tifffile.TiffWriter(path) as writer:
        for page in STACK[:3]:
            writer.write(page, contiguous=False, compression="zlib", metadata=None)
    refs = find(tmp_path).refs
    assert [(ref.embryo_id, ref.frame_index) for ref in refs] == [("E1", 0), ("E1", 1), ("E1", 2)]
    assert np.array_equal(read_frame(refs[2], OPTIONS).image, STACK[2])


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_single_tiffs_of_common_compressions_are_frames_beside_others(
    tmp_path: Path, find: Find, lay: Callable[..., Path], compression: str | None
) -> None:
    lay(tmp_path, "A/x_RUN1.jpg")
    Pillow.fromarray(STACK[0]).save(tmp_path / "A" / "x_RUN2.tif", compression=compression)
    refs = find(tmp_path).refs
    assert [ref.frame_index for ref in refs] == [0, 1]
    assert np.array_equal(read_frame(refs[1], OPTIONS).image, STACK[0])


def test_colour_keeps_16_bits_and_inverted_gray_is_turned_round(tmp_path: Path, find: Find) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.repeat(STACK[0][..., None], 3, axis=2), photometric="rgb")
    tifffile.imwrite(tmp_path / "b.tif", STACK[0], photometric="miniswhite")
    colour, inverted = (read_frame(ref, OPTIONS).image for ref in find(tmp_path).refs)
    assert np.abs(colour.astype(int) - STACK[0]).max() <= 1
    assert np.array_equal(inverted, 65535 - STACK[0])


def test_a_print_resolution_is_no_pixel_size(tmp_path: Path, find: Find) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], resolution=(72, 72), resolutionunit="INCH")
    tifffile.imwrite(tmp_path / "b.tif", STACK[0], resolution=(20_000, 20_000), resolutionunit="CENTIMETER")
    printed, microscope = find(tmp_path).refs
    assert np.isnan(printed.um_per_px)
    assert microscope.um_per_px == pytest.approx(0.5)
    assert microscope.um_per_px_source == "metadata (TIFF resolution)"


def test_pixels_that_are_not_square_are_a_failed_row(tmp_path: Path, find: Find) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", STACK, imagej=True, resolution=(2.0, 1.0), metadata={"axes": "TYX", "unit": "um"}
    )
    [problem] = find(tmp_path).problems
    assert problem.reason.startswith("a.tif: its pixels are not square (0.5 x 1 um)")


def test_channels_are_refused_because_nothing_says_which_is_bright_field(tmp_path: Path, find: Find) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "CYX"})
    [problem] = find(tmp_path).problems
    assert "along axis C" in problem.reason


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((40, 40), np.nan, np.float32), "not finite"),
        (np.full((40, 40), -3.0, np.float32), "no known scale"),
        (np.full((40, 40), 1 << 20, np.uint32), "no known scale"),
    ],
)
def test_pixels_without_a_known_scale_are_unreadable(
    tmp_path: Path, find: Find, pixels: np.ndarray, words: str
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    with pytest.raises(UnreadableFrameError, match=rf"^a\.tif: .*{words}.*save it with 8 or 16 bits"):
        read_frame(find(tmp_path).refs[0], OPTIONS)


def test_fractions_of_white_become_16_bits(tmp_path: Path, find: Find) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40))
    image = read_frame(find(tmp_path).refs[0], OPTIONS).image
    assert (image.min(), image.max(), image.dtype) == (0, 65535, np.uint16)


@pytest.mark.parametrize(
    "content", [b"", b"II*\0\x08\0\0\0", b"plain text", b"II*\0\x08\0\0\0\x01\0" + b"\xff" * 40]
)
def test_what_is_no_whole_tiff_is_a_failed_row(tmp_path: Path, find: Find, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    discovery = find(tmp_path)
    assert not discovery.refs
    assert discovery.problems[0].reason.startswith("a.tif: ")


def test_a_truncated_stack_loses_only_what_is_missing(tmp_path: Path, find: Find) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "TYX"})
    path.write_bytes(path.read_bytes()[: -3 * STACK[0].nbytes])
    discovery = find(path)
    assert np.array_equal(read_frame(discovery.refs[0], OPTIONS).image, STACK[0])
    assert "cut short" in discovery.problems[0].reason
    assert discovery.problems[0].ref.frame_index == len(discovery.refs)


def test_pages_that_follow_each_other_in_a_circle_do_not_hang(tmp_path: Path, find: Find) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[0][:, :40].astype(np.uint8), metadata=None)
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages[0].offset
    content = bytearray(path.read_bytes())
    count = int.from_bytes(content[first : first + 2], "little")
    end = first + 2 + 12 * count
    content[end : end + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    discovery = find(path)
    assert len(discovery.refs) == 1
    assert "cut short or damaged after image 1" in discovery.problems[0].reason


@pytest.mark.parametrize("pages", [2, 120])
def test_a_circle_of_several_pages_does_not_hang_either(tmp_path: Path, find: Find, pages: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((pages, 40, 40), np.uint8), metadata=None)
    with tifffile.TiffFile(path) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[pages - 1].offset
    content = bytearray(path.read_bytes())
    end = last + 2 + 12 * int.from_bytes(content[last : last + 2], "little")
    content[end : end + 4] = first.to_bytes(4, "little")
    path.write_bytes(content)
    assert "damaged" in find(path).problems[0].reason
