"""Where the cases of an evaluation come from."""

import cv2
import numpy as np
import pytest

from blastoseg.errors import DataError, UsageError
from blastoseg.evaluation.cases import LabelledFolder, SyntheticCases, draw_case


def test_a_synthetic_image_depends_on_seed_and_number_alone_and_carries_its_truth():
    [_, second] = [read() for read in SyntheticCases(2, "unseen", 3).open().readers]
    again = draw_case(1, "unseen", 3)
    np.testing.assert_array_equal(second.image, again.image)
    assert second.name == again.name
    assert second.truth is not None
    assert not np.array_equal(again.image, draw_case(1, "unseen", 4).image)


def test_an_unknown_preset_is_answered_with_the_choices():
    with pytest.raises(UsageError, match="mixed"):
        draw_case(0, "sepia", 0)


def labelled_folder(path, count):
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    for number in range(count):
        picture = np.full((32, 40), 90 + number, np.uint8)
        mask = np.zeros((32, 40), np.uint8)
        mask[8:20, 10:30] = 1 + number % 4
        cv2.imwrite(str(path / "images" / f"e{number}.png"), picture)
        cv2.imwrite(str(path / "masks" / f"e{number}.png"), mask)
    return path


def test_labelled_images_are_read_one_by_one_and_a_list_chooses_among_them(tmp_path):
    folder = labelled_folder(tmp_path / "data", 4)
    source = LabelledFolder(folder).open()
    cases = [read() for read in source.readers]
    assert source.total == len(cases) == 4
    assert cases[2].labels.max() == 3
    assert cases[2].truth is None
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "test.txt").write_text(f"{cases[1].name}\n", "utf-8")
    chosen = LabelledFolder(folder, "test", tmp_path / "lists").open()
    assert [read().name for read in chosen.readers] == [cases[1].name]


def test_files_that_were_left_out_are_reported(tmp_path):
    folder = labelled_folder(tmp_path, 2)
    (folder / "masks" / "e1.png").unlink()
    facts = dict(LabelledFolder(folder).open().facts)
    assert facts["Files left out"].startswith("1; images/e1.png")


def test_a_missing_list_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"val\.txt"):
        LabelledFolder(labelled_folder(tmp_path, 1), "val").open()
