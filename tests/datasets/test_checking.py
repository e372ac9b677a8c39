from pathlib import Path

import numpy as np
import pytest

from blastoseg.datasets import CaseError, ProblemKind, check_dataset, open_dataset
from tests.datasets.conftest import expected_labels, picture, save


def _problems(root: Path) -> dict[str, ProblemKind]:
    return {problem.file: problem.kind for problem in check_dataset(open_dataset(root))}


def test_sound_data_have_no_problems(several: Path) -> None:
    assert _problems(several) == {}


def test_every_problem_is_listed_with_its_file(several: Path) -> None:
    images, masks = several / "images", several / "masks"
    (masks / "E0_RUN1.png").unlink()
    save(masks / "E0_RUN10.png", expected_labels()[:-1])
    save(masks / "E1_RUN1.png", expected_labels() * 3)
    save(images / "E1_RUN10.png", picture(1))
    whole = (images / "E2_RUN1.png").read_bytes()
    (images / "E2_RUN1.png").write_bytes(whole[: len(whole) // 2])
    save(masks / "E2_RUN10.png", np.zeros_like(expected_labels()))
    save(masks / "E3_RUN1.png", np.roll(np.where(expected_labels() == 1, 1, 0), 30, 1).astype(np.uint8))
    (masks / "E3_RUN10.png").write_bytes(b"no picture")
    save(masks / "alone.png", expected_labels())
    save(images / "E4_RUN1.tif", picture(1))
    save(images / "E4_RUN10.png", picture(1))
    assert _problems(several) == {
        "images/E0_RUN1.png": ProblemKind.MISSING_MASK,
        "masks/E0_RUN10.png": ProblemKind.SIZE_MISMATCH,
        "masks/E1_RUN1.png": ProblemKind.UNKNOWN_VALUE,
        "images/E2_RUN1.png": ProblemKind.UNREADABLE,
        "masks/E2_RUN10.png": ProblemKind.EMPTY,
        "masks/E3_RUN1.png": ProblemKind.ICM_OUTSIDE,
        "masks/E3_RUN10.png": ProblemKind.UNREADABLE,
        "masks/alone.png": ProblemKind.MISSING_IMAGE,
        "images/E4_RUN1.tif": ProblemKind.DUPLICATE,
        "images/E4_RUN10.png": ProblemKind.DUPLICATE,
    }


def test_a_tissue_that_no_mask_has_is_a_problem_of_the_whole(several: Path) -> None:
    without = np.where(expected_labels() == 4, 0, expected_labels()).astype(np.uint8)
    for mask in (several / "masks").iterdir():
        save(mask, without)
    assert _problems(several) == {".": ProblemKind.MISSING_TISSUE}


def test_a_huge_mask_is_refused_by_its_header(several: Path) -> None:
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (several / "masks/E0_RUN1.png").write_bytes(png)
    with pytest.raises(CaseError, match=r"masks/E0_RUN1\.png"):
        open_dataset(several).cases[0].read()
