"""Thousands of damaged files of every kind: each is a frame or a failed row, quickly, in little memory."""

import os
import random
import resource
import sqlite3
import time
from contextlib import closing

import cv2
import numpy as np
import pytest
import tifffile

from blastoseg.errors import BlastosegError
from blastoseg.settings import Naming
from blastoseg.sources import SourceOptions, discover_frames, read_frame

pytestmark = pytest.mark.slow

FILES = int(os.environ.get("BLASTOSEG_DAMAGED_FILES", "15000"))
"""More by hand: BLASTOSEG_DAMAGED_FILES=200000 pytest tests/sources/test_damaged_files.py"""
SLOWEST_S = 10.0
MOST_GROWTH_KIB = 1 << 21


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(1)
    image = rng.integers(60, 200, (64, 72), dtype=np.uint8)
    tifffile.imwrite(folder / "stack.tif", np.stack([image] * 3), resolution=(2, 2), photometric="minisblack")
    video = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (72, 64))
    for _ in range(3):
        video.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    video.release()
    with closing(sqlite3.connect(folder / "slide.pdb")) as database:
        database.execute("CREATE TABLE IMAGES (Well, Run, Focal, Time, Image)")
        database.execute("CREATE TABLE GENERAL (Par, Val, Type)")
        database.execute("INSERT INTO GENERAL VALUES ('Fertilization', '41000.25', 'x')")
        for run in range(3):
            row = (1, run, 0, 41001.0 + run / 100, encoded(".jpg", image))
            database.execute("INSERT INTO IMAGES VALUES (?, ?, ?, ?, ?)", row)
        database.commit()
    files = {path.suffix: path.read_bytes() for path in folder.iterdir()}
    return files | {suffix: encoded(suffix, image) for suffix in (".jpg", ".png", ".bmp")}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, doubled or cut off, mostly where the headers are."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        reach = len(data) if rng.random() < 0.4 else min(len(data), 512)
        at = rng.randrange(max(reach, 1))
        match rng.randrange(5):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
            case 2:
                del data[at : at + rng.randrange(1, 64)]
            case 3:
                data[at:at] = data[at : at + rng.randrange(1, 64)]
            case 4:
                del data[max(at, 1) :]
        if not data:
            break
    return bytes(data)


def test_damaged_files_are_frames_or_named_failures_and_never_hang(originals, tmp_path):
    rng, options = random.Random(2026), SourceOptions(Naming())
    suffixes = sorted(originals)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = read = 0
    for number in range(FILES):
        suffix = suffixes[number % len(suffixes)]
        path = tmp_path / f"WELL1_RUN{number}{suffix}"
        path.write_bytes(damaged(originals[suffix], rng))
        begun = time.monotonic()
        try:
            found = discover_frames([path], options)
        except BlastosegError as error:
            assert path.name in str(error)
            path.unlink()
            told += 1
            continue
        assert found.refs or found.problems, path.name
        told += len(found.problems)
        for ref in found.refs:
            try:
                read += read_frame(ref, options).image.size > 0
            except BlastosegError as error:
                assert path.name in str(error)
                told += 1
        assert time.monotonic() - begun < SLOWEST_S, path.name
        path.unlink()
    assert min(told, read) > FILES / 5, "some damage must be felt, some must not"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH_KIB
