from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.datasets import (
    Case,
    LabelledDataset,
    open_dataset,
    select_split,
    split_dataset,
    split_into_folds,
    splitting,
    write_split,
)
from blastoseg.datasets.groups import groups_from_names
from blastoseg.errors import DataError, UsageError
from tests.datasets.conftest import picture, save


def _dataset(groups: list[int], root: Path = Path()) -> LabelledDataset:
    cases = [
        Case(f"{position}", f"g{group}", root / f"{position}", "", "", None)  # type: ignore[arg-type]
        for position, group in enumerate(groups)
    ]
    return LabelledDataset(root, "drawn", cases, [])


@pytest.fixture(scope="module", autouse=True)
def _files_are_not_read() -> object:
    with pytest.MonkeyPatch.context() as patch:
        real = splitting._file_digest
        patch.setattr(
            splitting, "_file_digest", lambda case: real(case) if case.image_file else case.name.encode()
        )
        yield


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 30), min_size=3, max_size=80).filter(lambda groups: len(set(groups)) >= 3),
    st.integers(0, 1000),
    st.floats(0, 0.9),
    st.floats(0, 0.9),
)
def test_a_split_is_complete_seeded_and_never_parts_a_group(
    groups: list[int], seed: int, test: float, val: float
) -> None:
    dataset = _dataset(groups)
    split = split_dataset(dataset, seed, test, val)
    assert sorted(split.train + split.val + split.test) == sorted(case.name for case in dataset.cases)
    assert split.train
    assert bool(split.test) == (test > 0)
    assert bool(split.val) == (val > 0)
    sides = defaultdict(set)
    for side, names in (("train", split.train), ("val", split.val), ("test", split.test)):
        for name in names:
            sides[groups[int(name)]].add(side)
    assert all(len(side) == 1 for side in sides.values())
    assert split == split_dataset(dataset, seed, test, val)


def test_the_size_of_the_paper_s_test_list_comes_out_of_249_embryos() -> None:
    split = split_dataset(_dataset(list(range(249))))
    assert (len(split.train), len(split.val), len(split.test)) == (179, 20, 50)
    assert split != split_dataset(_dataset(list(range(249))), seed=1)


@settings(max_examples=40)
@given(
    groups=st.lists(st.integers(0, 30), min_size=12, max_size=80).filter(lambda some: len(set(some)) >= 6),
    folds=st.integers(2, 5),
    seed=st.integers(0, 99),
)
def test_folds_test_on_every_case_once_and_never_part_a_group(
    groups: list[int], folds: int, seed: int
) -> None:
    dataset = _dataset(groups)
    splits = split_into_folds(dataset, folds, seed)
    tested = [name for split in splits for name in split.test]
    assert sorted(tested) == sorted(case.name for case in dataset.cases)
    group_of = {case.name: case.group for case in dataset.cases}
    for split in splits:
        sides = [{group_of[name] for name in getattr(split, part)} for part in ("train", "val", "test")]
        assert all(sides)
        assert sum(map(len, sides)) == len(set.union(*sides))
        assert len(split.train) + len(split.val) + len(split.test) == len(groups)
    sizes = [len(split.test) for split in splits]
    largest = max(groups.count(group) for group in groups)
    assert max(sizes) - min(sizes) <= largest
    assert splits == split_into_folds(dataset, folds, seed)


def test_more_folds_than_embryos_are_refused() -> None:
    with pytest.raises(DataError, match="4 embryos or patients, 6 are needed"):
        split_into_folds(_dataset([0, 1, 2, 3]), 5)
    with pytest.raises(UsageError, match="at least 2"):
        split_into_folds(_dataset([0, 1, 2, 3]), 1)


def test_too_few_groups_and_impossible_shares_are_refused() -> None:
    with pytest.raises(DataError, match=r"groups\.csv"):
        split_dataset(_dataset([0, 0, 1, 1]))
    with pytest.raises(UsageError, match="--test"):
        split_dataset(_dataset([0, 1, 2]), test=1.0)


def test_names_tell_embryos_pairs_and_patients() -> None:
    names = {
        "Blast_PCRM_1201754 D5": 0,
        "Blast_PCRM_R14-0411a": 1,
        "Blast_PCRM_R14-0411b D6": 1,
        "x 2 x 2AB d5 left": 2,
        "x 2 x 2AB d5 right": 2,
        "D2012_WELL7_RUN3": 3,
        "D2012_WELL7_RUN10_F-15": 3,
        "D2012_WELL8_RUN3": 4,
        "e3_t012": 5,
        "e3_t013": 5,
        "img_001": 6,
        "img_002": 7,
        "E9/a": 8,
        "E9/b": 8,
    }
    groups = groups_from_names(list(names))
    by_group = defaultdict(set)
    for name, group in groups.items():
        by_group[group].add(names[name])
    assert all(len(numbers) == 1 for numbers in by_group.values())
    assert len(by_group) == len(set(names.values()))


def test_groups_csv_decides_and_must_name_every_image(several: Path) -> None:
    names = [case.name for case in open_dataset(several).cases]
    table = several / "groups.csv"
    table.write_text("name,group\n" + "".join(f"{name}.png,p{name[1] > '2'}\n" for name in names))
    assert {case.group for case in open_dataset(several).cases} == {"pTrue", "pFalse"}
    table.write_text("name,group\nE0_RUN1,p\n")
    with pytest.raises(DataError, match="9 images"):
        open_dataset(several)


def test_the_same_file_under_two_embryos_names_stays_on_one_side(several: Path) -> None:
    for embryo in range(4):
        save(several / f"images/E{embryo}_RUN1.png", picture(7))
    with pytest.raises(DataError, match="of 2 embryos"):
        split_dataset(open_dataset(several))


def test_written_lists_select_their_cases_and_a_leak_by_hand_is_refused(several: Path) -> None:
    dataset = open_dataset(several)
    split = split_dataset(dataset)
    write_split(split, several)
    chosen = [select_split(dataset, name).cases for name in ("train", "val", "test")]
    assert [tuple(case.name for case in cases) for cases in chosen] == [split.train, split.val, split.test]
    (several / "val.txt").write_text(f"{split.val[0]}\n{split.test[0]}\n")
    with pytest.raises(DataError, match="must stay on one side"):
        select_split(dataset, "test")
    (several / "test.txt").write_text("nowhere\n")
    with pytest.raises(DataError, match="nowhere"):
        select_split(dataset, "test")
    with pytest.raises(UsageError, match="train, val, test"):
        select_split(dataset, "holdout")
