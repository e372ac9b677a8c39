"""Whatever comes in by any door is answered in words: no traceback, no crash, in little time and memory."""

from pathlib import Path

import pytest

from .doors import CORPUS, DOORS
from .exploring import Explorer
from .fuzz import CURRENT, fuzz, hostile_file, kept_as, seeds_of
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


def test_a_file_that_reaches_new_code_leads_on_and_one_that_does_not_is_forgotten(tmp_path: Path) -> None:
    explorer = Explorer()
    path = seeds_of("settings")[0]

    def open_once(data: bytes) -> None:
        with explorer.watching("settings", data, path.suffix):
            assert opened(DOORS["settings"], data, path.suffix, tmp_path) == ""

    open_once(path.read_bytes())
    assert (explorer.kept, explorer.lines > 5) == (1, True)
    open_once(path.read_bytes())
    assert explorer.kept == 1, "it reached nothing new"
    open_once(b"[quality]\nlow_contrast = 7\n")
    assert explorer.kept == 2
    assert {explorer.file("settings", seed)[1] for seed in range(20)} == {path.suffix}


@pytest.mark.slow
@pytest.mark.skipif("sys.platform == 'win32'", reason="the limits of memory are those of POSIX")
def test_a_finding_is_kept_as_the_file_that_it_was(tmp_path: Path) -> None:
    outcome = fuzz(["card", "letters"], seconds=60, first_seed=3, most_files=60, keep=tmp_path / "kept")
    assert outcome.files.total() == 60
    assert outcome.leading_on > 2
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        CURRENT,
        *(kept_as(*finding) for finding in outcome.findings),
    }


@pytest.mark.slow
@pytest.mark.skipif("sys.platform == 'win32'", reason="the limits of memory are those of POSIX")
def test_hostile_files_by_every_door_are_answered_in_words_in_little_time_and_memory() -> None:
    outcome = fuzz(list(DOORS), seconds=120, first_seed=0, most_files=FILES)
    assert outcome.findings == {}
    assert set(outcome.files) == set(DOORS)
