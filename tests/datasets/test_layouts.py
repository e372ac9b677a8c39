import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from blastoseg.datasets import CaseError, ProblemKind, check_dataset, open_dataset
from blastoseg.errors import DataError
from tests.datasets.conftest import (
    WRITERS,
    expected_labels,
    picture,
    save,
    write_cvat,
    write_labelme,
    write_pcrm,
    write_png,
    write_qupath,
)

REAL = Path(__file__).resolve().parents[3] / "shared/real/pcrm"


@pytest.mark.parametrize("layout", WRITERS)
def test_every_layout_gives_the_same_labels_and_no_problem(tmp_path: Path, layout: str) -> None:
    WRITERS[layout](tmp_path)
    dataset = open_dataset(tmp_path)
    (case,) = pickle.loads(pickle.dumps(dataset.cases))
    labelled = case.read()
    assert np.array_equal(labelled.image, picture())
    assert np.array_equal(labelled.labels, expected_labels())
    assert labelled.labels.dtype == np.uint8
    assert check_dataset(dataset) == []


def test_an_unknown_folder_is_refused_with_the_known_layouts(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture())
    with pytest.raises(DataError, match=r"BlastsOnline.*CVAT.*masks.*LabelMe.*QuPath"):
        open_dataset(tmp_path)


def test_labelme_and_qupath_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_labelme(tmp_path)
    write_qupath(tmp_path)
    with pytest.raises(DataError, match="each its own folder"):
        open_dataset(tmp_path)


def test_an_unknown_tissue_is_refused_with_the_choices(tmp_path: Path) -> None:
    write_labelme(tmp_path)
    path = tmp_path / "a.json"
    path.write_text(path.read_text().replace("zona pellucida", "shell"))
    with pytest.raises(CaseError, match=r"a\.json: 'shell'.*zona pellucida"):
        open_dataset(tmp_path).cases[0].read()


@pytest.mark.parametrize("escape", ["../secret.png", "sub/../../secret.png", "..\\secret.png", "{absolute}"])
def test_a_labelme_file_cannot_name_an_image_outside_the_data(tmp_path: Path, escape: str) -> None:
    secret = save(tmp_path / "secret.png", picture())
    data = tmp_path / "data"
    data.mkdir()
    write_labelme(data, escape.format(absolute=secret))
    dataset = open_dataset(data)
    assert dataset.cases == []
    assert ProblemKind.MISSING_IMAGE in {problem.kind for problem in dataset.problems}


def test_a_link_out_of_the_data_is_passed_over(tmp_path: Path) -> None:
    write_png(tmp_path / "data")
    secret = save(tmp_path / "secret.png", picture(1))
    (tmp_path / "data/images/b.png").symlink_to(secret)
    assert [case.name for case in open_dataset(tmp_path / "data").cases] == ["a"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{", "[1e999]", '{"shapes": [7], "imagePath": "a.png"}', "\x00\xff"]
)
def test_hostile_json_is_a_problem_of_its_file_and_no_crash(tmp_path: Path, text: str) -> None:
    write_labelme(tmp_path)
    save(tmp_path / "b.png", picture(1))
    (tmp_path / "b.json").write_text(text.replace("a.png", "b.png"), encoding="latin-1")
    problems = check_dataset(open_dataset(tmp_path))
    assert {problem.file for problem in problems} <= {"b.json", "b.png"}
    assert problems


@pytest.mark.parametrize(
    "points", [[[0, 0], [1, 1]], [[0, 0], [1, 1], ["x", 2]], [[0, 0], [1e300, 1], [2, 2]], [[0, 0], None, 3]]
)
def test_an_outline_that_is_none_is_refused_by_name(tmp_path: Path, points: object) -> None:
    write_labelme(tmp_path)
    document = json.loads((tmp_path / "a.json").read_text())
    document["shapes"][1]["points"] = points
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(CaseError, match=r"^a\.json: "):
        open_dataset(tmp_path).cases[0].read()


def test_a_colour_missing_in_the_labelmap_is_refused(tmp_path: Path) -> None:
    write_cvat(tmp_path)
    labelmap = tmp_path / "labelmap.txt"
    labelmap.write_text(labelmap.read_text().replace("10,20,30", "10,20,31"))
    with pytest.raises(CaseError, match="10,20,30"):
        open_dataset(tmp_path).cases[0].read()


def test_where_pcrm_masks_overlap_the_inner_tissue_is_kept_and_the_overlap_reported(tmp_path: Path) -> None:
    write_pcrm(tmp_path)
    icm = expected_labels() == 1
    icm[24:41, 20:30] = True
    save(tmp_path / "BlastsOnline/GT_ICM/blast_pcrm_12 D5 ICM_Mask.bmp", icm.astype(np.uint8) * 255)
    dataset = open_dataset(tmp_path)
    assert np.array_equal(dataset.cases[0].read().labels == 1, icm)
    assert [problem.kind for problem in check_dataset(dataset)] == [ProblemKind.OVERLAP]


def test_masks_that_share_the_line_where_they_meet_are_sound(tmp_path: Path) -> None:
    write_pcrm(tmp_path)
    labels = expected_labels()
    zona = cv2.dilate((labels == 4).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert np.count_nonzero(zona & (labels == 3)) > 0.01 * np.count_nonzero(labels == 3)
    save(tmp_path / "BlastsOnline/GT_ZP/blast_pcrm_12 D5 ZP_Mask.bmp", zona.astype(np.uint8) * 255)
    assert check_dataset(open_dataset(tmp_path)) == []


def test_the_cavity_of_an_embryo_cut_by_the_border_is_found(tmp_path: Path) -> None:
    write_pcrm(tmp_path)
    cut = slice(None), slice(0, 40)
    labels = expected_labels()[cut]
    for tissue, value in (("ICM", 1), ("TE", 3), ("ZP", 4)):
        name = f"blast_pcrm_12 D5 {tissue}_Mask.bmp"
        save(tmp_path / "BlastsOnline" / f"GT_{tissue}" / name, (labels == value).astype(np.uint8) * 255)
    save(tmp_path / "BlastsOnline/Images/Blast_PCRM_12 D5.BMP", picture()[cut])
    assert np.array_equal(open_dataset(tmp_path).cases[0].read().labels, labels)


def test_cases_come_in_natural_order(several: Path) -> None:
    names = [case.name for case in open_dataset(several).cases]
    assert names[:3] == ["E0_RUN1", "E0_RUN10", "E1_RUN1"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real labelled case is not beside the project")
def test_the_real_set_is_read_whole() -> None:
    dataset = open_dataset(REAL)
    assert dataset.problems == []
    [case] = [case for case in dataset.cases if case.name == "Blast_PCRM_1201754 D5"]
    labels = case.read().labels
    # What its masks enclose, 29,453 pixels, and its ICM, which wins 40 pixels from the trophectoderm.
    assert np.bincount(labels.ravel()).tolist() == [61638, 20549, 29453, 26535, 32737]


def test_a_level_of_thousands_of_digits_in_the_labelmap_is_refused_by_its_line(tmp_path: Path) -> None:
    WRITERS["cvat"](tmp_path)
    (tmp_path / "labelmap.txt").write_text(f"zona:{'9' * 5000},50,83::")
    with pytest.raises(DataError, match="line 1"):
        open_dataset(tmp_path)
