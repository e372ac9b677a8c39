"""One run over a folder made to do harm: what it must not read, write, run or tell."""

import os
import sqlite3
import struct
import zlib
from contextlib import closing

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image as Pillow

from blastoseg.simulate import View, draw_frame

from .night import everything_written, finish, make_frames, start

PERSON = "PERSON-4711"
ODD_NAMES = [
    "a b.jpg",
    'it\'s "x".jpg',
    "new\nline.jpg",
    "\N{WHITE HEART SUIT}\U0001f9eb.jpg",
    '=HYPERLINK("http:x").jpg',
    "<script>alert(1)<.jpg",
    "n" * 246 + ".jpg",
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows allows neither these names nor these links"),
]


def absurd_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def write_slide(path, jpeg: bytes) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE IMAGES (Well, Run, Focal, Time, Image)")
        database.execute("CREATE TABLE GENERAL (Par, Val, Type)")
        database.executemany(
            "INSERT INTO GENERAL VALUES (?, ?, 'x')", [("PatientIDx", PERSON), ("PatientName", PERSON)]
        )
        database.execute("INSERT INTO IMAGES VALUES (1, 1, 0, 41001.5, ?)", (jpeg,))
        database.commit()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """(output folder, exit code, everything said) of a run over all this."""
    root = tmp_path_factory.mktemp("hostile")
    folder = make_frames(root / "in", "WELL1", 1)
    jpeg = (folder / "WELL1" / "WELL1_RUN001.jpg").read_bytes()
    drawn = draw_frame(np.random.default_rng(4), View(160, 160, fill=(0.6, 0.8), kind="expanded")).image
    described = Pillow.fromarray(drawn)
    exif = Pillow.Exif()
    exif[0x010E] = exif[0x013B] = exif[0x8298] = PERSON
    described.save(folder / "WELL1" / "WELL1_RUN002.jpg", exif=exif, comment=PERSON.encode(), quality=90)
    tifffile.imwrite(folder / "described.tif", drawn, description=PERSON, software=PERSON)
    write_slide(folder / "slide.pdb", jpeg)
    (folder / "ODD").mkdir()
    for name in ODD_NAMES:
        (folder / "ODD" / name).write_bytes(jpeg)
    # Distinct from the others, so that its pixels would show in the report
    (root / "secret").mkdir()
    cv2.imwrite(str(root / "secret" / "elsewhere.png"), drawn)
    (folder / "ODD" / "link.png").symlink_to(root / "secret" / "elsewhere.png")
    (folder / "linked").symlink_to(root / "secret", target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "bomb.png").write_bytes(absurd_png(60_000, 60_000))
    with tifffile.TiffWriter(folder / "large.tif") as file:
        file.write(np.zeros((20_000, 20_000), np.uint8), compression="zlib", rowsperstrip=1000)
    out = root / "out"
    process = start(folder, out, "--settle", "0")
    return (out, *finish(process))


def test_every_file_is_a_row_and_the_impossible_ones_say_why(hostile):
    out, code, text = hostile
    assert code == 3, text
    assert "Traceback" not in text
    frames = pd.read_csv(out / "frames.csv", keep_default_na=False).set_index("source")
    failed = frames[frames["status"] == "failed"]["reason"]
    assert sorted(name.rsplit("/", 1)[-1] for name in failed.index) == ["bomb.png", "large.tif"]
    assert failed.str.contains("megapixels").all()
    assert len(frames) == 2 + 1 + 1 + len(ODD_NAMES) + 2


def test_no_identifier_of_a_slide_exif_or_tiff_reaches_any_output(hostile):
    out, _, text = hostile
    assert PERSON.encode() not in text.encode() + everything_written(out)


def test_links_that_leave_the_folder_are_not_followed(hostile):
    out, _, text = hostile
    assert b"elsewhere" not in text.encode() + everything_written(out)
    assert b"link.png" not in (out / "frames.csv").read_bytes()


def test_names_stay_text_and_every_file_lies_in_out_under_a_plain_name(hostile):
    out, _, _ = hostile
    for name in pd.read_csv(out / "frames.csv")["source"]:
        assert name[0] not in "=+-@\t\r"
    for path in out.rglob("*"):
        assert str(path.relative_to(out)).isprintable()
        assert not set(str(path.relative_to(out))) & set("<>\"'\n=")
