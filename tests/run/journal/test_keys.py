"""A frame's key changes when its file does."""

import os
from pathlib import Path

import pytest

from blastoseg.records import FrameRef
from blastoseg.run.journal import FrameKeys, KnownBy
from blastoseg.sources.addresses import VideoFrame, WholeImage


def test_a_changed_file_has_another_key_and_a_missing_one_raises_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    ref = FrameRef("a", "a.png", path, 0, WholeImage())
    before, before_hashed = FrameKeys().of(ref), FrameKeys(KnownBy.BYTES).of(ref)
    os.utime(path, ns=(1, 1))
    assert FrameKeys().of(ref) != before
    assert FrameKeys(KnownBy.BYTES).of(ref) == before_hashed
    path.unlink()
    assert FrameKeys().of(ref).content == "missing"


@pytest.mark.parametrize("size", [1, 5_000, 3_000_000, 60_000_000])
def test_a_file_of_the_same_size_and_time_with_other_bytes_has_another_key(tmp_path: Path, size: int) -> None:
    path, keys = tmp_path / "a.png", []
    for fill in (b"1", b"2"):
        with path.open("wb") as file:
            file.write(fill * min(size, 5_000))
            file.truncate(size)
        os.utime(path, ns=(1, 1))
        keys.append(FrameKeys().of(FrameRef("a", "a.png", path, 0, WholeImage())).content)
    assert keys[0] != keys[1]


def test_a_pipe_in_the_place_of_a_file_holds_nobody(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes with names here")
    os.mkfifo(tmp_path / "a.png")
    assert FrameKeys().of(FrameRef("a", "a.png", tmp_path / "a.png", 0, WholeImage())).content


def test_frames_of_one_video_have_keys_of_their_own(tmp_path: Path) -> None:
    keys = FrameKeys()
    refs = [FrameRef("7", "a.avi", tmp_path / "a.avi", i, VideoFrame(i, 0, 9, False)) for i in range(3)]
    assert len({keys.of(ref) for ref in refs}) == 3
