"""Deleting pictures of frames that are gone: our own, and nothing else, whenever a kill comes."""

import errno
import os
from pathlib import Path

import pytest

from blastoseg.run.journal import Journal
from blastoseg.run.prune import find_prunable, follow_input, prune

MASKS = [f"masks/E1/0000{index}-a.png" for index in range(3)]
GONE = [*MASKS, *(path.replace("masks", "overlays").replace("png", "jpg") for path in MASKS)]
STAYS = "masks/E2/00000-b.png"


def _no_check() -> None:
    """As where nobody took the folder over."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder whose ledger knows that the frames of E1 are gone and that of E2 is not."""
    with Journal(tmp_path) as journal:
        for path in (*GONE, STAYS):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(b"0" * 1000)
        journal.pictures.note_sizes([*GONE, STAYS])
        journal.pictures.note_missing([STAYS])
    return tmp_path


def _files(out: Path) -> set[str]:
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    return {path for path in files if not path.startswith("journal.sqlite")}


def test_only_pictures_of_missing_frames_go_and_the_folders_that_they_leave_empty(out: Path) -> None:
    (out / "masks" / "E1" / "notes.txt").write_text("a person's")
    with Journal(out) as journal:
        found = find_prunable(out, journal)
        assert found.in_words() == "6 files, 6 kB"
        assert prune(out, journal, found, _no_check) == []
        assert find_prunable(out, journal).files == {}
    assert _files(out) == {"masks/E1/notes.txt", STAYS}
    assert not (out / "overlays" / "E1").exists()


def test_a_picture_that_a_person_corrected_is_left(out: Path) -> None:
    (out / GONE[0]).write_bytes(b"corrected")
    with Journal(out) as journal:
        found = find_prunable(out, journal)
        prune(out, journal, found, _no_check)
    assert found.changed == (GONE[0],)
    assert GONE[0] in _files(out)


def test_a_picture_that_cannot_be_looked_at_is_not_taken_for_gone(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> os.stat_result:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with Journal(out) as journal:
        with monkeypatch.context() as failing:
            failing.setattr(Path, "lstat", refuse)
            with pytest.raises(OSError, match="Input/output error"):
                find_prunable(out, journal)
        assert len(find_prunable(out, journal).files) == len(GONE)


def test_nothing_outside_the_folders_of_pictures_is_touched_whatever_the_ledger_says(
    out: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "E9"
    elsewhere.mkdir()
    (elsewhere / "x.png").write_bytes(b"precious")
    (out / "report.xlsx").write_bytes(b"report")
    (out / "masks" / "E9").symlink_to(elsewhere)
    (out / "masks" / "E1" / "link.png").symlink_to(elsewhere / "x.png")
    outside = Path(os.path.relpath(elsewhere / "x.png", out)).as_posix()
    strange = ["report.xlsx", outside, str(elsewhere / "x.png"), "masks/E9/x.png", "masks/E1/link.png"]
    strange += ["masks/../report.xlsx", "masks/E1"]
    # Of pictures that are gone the folders go too, where they are empty.
    empty = elsewhere.with_name("empty")
    empty.mkdir()
    (out / "masks" / "E8").symlink_to(empty)
    strange += [
        Path(os.path.relpath(empty / "x.png", out)).as_posix(),
        str(empty / "x.png"),
        "masks/E8/x.png",
    ]
    with Journal(out) as journal:
        journal.pictures.claim(written=strange, kept=[])
        journal.pictures.note_missing([STAYS])
        found = find_prunable(out, journal)
        assert set(found.files) == set(GONE)
        prune(out, journal, found, _no_check)
    assert (elsewhere / "x.png").read_bytes() == b"precious"
    assert empty.is_dir()
    assert (out / "report.xlsx").exists()
    assert (out / "masks" / "E1" / "link.png").is_symlink()


class _KilledError(BaseException):
    """A kill, as the code sees it: no more of it runs."""


@pytest.mark.parametrize("deleted", range(len(GONE) + 1))
def test_a_kill_in_the_middle_leaves_a_state_that_the_next_prune_completes(
    out: Path, deleted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, done = Path.unlink, []

    def killed(self: Path, missing_ok: bool = False) -> None:
        if len(done) == deleted:
            raise _KilledError
        done.append(self)
        unlink(self, missing_ok=missing_ok)

    with Journal(out) as journal, monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        if deleted == len(GONE):
            patched.setattr(type(journal.pictures), "forget", lambda *_: killed(out))
        with pytest.raises(_KilledError):
            prune(out, journal, find_prunable(out, journal), _no_check)
    with Journal(out) as journal:
        found = find_prunable(out, journal)
        assert len(found.files) == len(GONE) - deleted
        prune(out, journal, found, _no_check)
        assert find_prunable(out, journal) == type(found)({})
    assert _files(out) == {STAYS}
    assert not (out / "masks" / "E1").exists()


def test_a_file_that_cannot_be_deleted_is_told_and_tried_again(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def held(self: Path, missing_ok: bool = False) -> None:
        if self == out / GONE[0]:
            raise PermissionError(13, "Permission denied")
        unlink(self, missing_ok=missing_ok)

    with Journal(out) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(Path, "unlink", held)
            assert prune(out, journal, find_prunable(out, journal), _no_check) == [GONE[0]]
        assert list(find_prunable(out, journal).files) == [GONE[0]]


def test_after_a_run_pictures_go_once_they_were_missing_for_as_long_as_the_settings_say(
    out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with Journal(out) as journal:
        for keep_days in (None, 30):
            follow_input(out, journal, [STAYS], keep_days, _no_check)
            assert set(GONE) < _files(out)
        journal._database.execute(
            "UPDATE pictures SET missing_since = '2026-01-01T00:00:00+00:00' WHERE missing_since <> ''"
        )
        follow_input(out, journal, [STAYS], 30, _no_check)
    assert _files(out) == {STAYS}
    assert "6 of 6 files" in caplog.text
