"""Whatever comes in by any door is answered in words: no traceback, no crash, in little time and memory."""

from pathlib import Path

import pytest

from .doors import CORPUS, DOORS
from .fuzz import fuzz, hostile_file, seeds_of
from .worker import opened

FILES = 50 * len(DOORS)


@pytest.mark.parametrize(
    "path", sorted(CORPUS.rglob("*.*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_every_file_of_the_corpus_is_read_or_refused_in_words(path: Path, tmp_path: Path) -> None:
    assert opened(DOORS[path.parent.name], path.read_bytes(), path.suffix, tmp_path) == ""


def test_every_door_has_seeds_and_all_of_them_are_small() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(DOORS)
    assert all(seeds_of(door) for door in DOORS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*.*")) < 200_000


def test_a_seed_makes_the_same_hostile_file_again() -> None:
    assert [hostile_file("avi", seed) for seed in range(20)] == [
        hostile_file("avi", seed) for seed in range(20)
    ]


@pytest.mark.slow
@pytest.mark.skipif("sys.platform == 'win32'", reason="the limits of memory are those of POSIX")
def test_hostile_files_by_every_door_are_answered_in_words_in_little_time_and_memory() -> None:
    outcome = fuzz(list(DOORS), seconds=120, first_seed=0, most_files=FILES)
    assert outcome.findings == {}
    assert set(outcome.files) == set(DOORS)
