"""Files: the old one or the new one, never half of either; names that any system takes; natural order."""

import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg.files import (
    LONGEST_NAME,
    MOST_TOML_DOTS,
    UNFINISHED_MARK,
    clash_key,
    natural_key,
    read_toml,
    remove_unfinished,
    replace_atomically,
    safe_name,
    safe_names,
    unfinished_beside,
)


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    report = tmp_path / "report.xlsx"
    report.write_text("old")
    with replace_atomically(report) as temporary:
        temporary.write_text("new")
        assert report.read_text() == "old"
        assert temporary.parent == report.parent
        assert temporary.suffix == ".xlsx"
    assert report.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    report = tmp_path / "report.xlsx"
    report.write_text("old")
    with pytest.raises(ZeroDivisionError), replace_atomically(report) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert report.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.xlsx"]


def test_a_name_as_long_as_the_file_system_allows_can_be_replaced(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * 200 + "." + "y" * 54)
    with replace_atomically(longest) as temporary:
        temporary.write_text("new")
    assert longest.read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_files_follow_the_umask_also_where_their_writer_kept_them_to_itself(
    umask: int, mode: int, tmp_path: Path
) -> None:
    before = os.umask(umask)
    try:
        for name, writers_mode in (("private", 0o600), ("plain", 0o666)):
            with replace_atomically(tmp_path / name) as temporary:
                os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, writers_mode))
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "private": mode,
        "plain": mode,
    }


def _hold_open(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``target`` behave like a workbook that Excel has open on a share."""
    replace = Path.replace

    def refuse(self: Path, destination: Path) -> Path:
        if destination == target:
            raise PermissionError(13, "Permission denied", str(destination))
        return replace(self, destination)

    monkeypatch.setattr(Path, "replace", refuse)


def test_a_workbook_open_in_excel_lands_under_a_dated_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.xlsx"
    report.write_text("old")
    _hold_open(report, monkeypatch)
    landed: list[Path] = []
    for content in ("new", "newer"):
        with replace_atomically(report, on_locked=landed.append) as temporary:
            temporary.write_text(content)
    assert report.read_text() == "old"
    assert [file.read_text() for file in landed] == ["new", "newer"]
    assert all(file.name.startswith("report-2") and file.suffix == ".xlsx" for file in landed)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_locked_target_is_an_error_where_no_other_name_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = tmp_path / "mask.png"
    mask.write_text("old")
    _hold_open(mask, monkeypatch)
    with pytest.raises(PermissionError), replace_atomically(mask) as temporary:
        temporary.write_text("new")
    assert [file.name for file in tmp_path.iterdir()] == ["mask.png"]


def test_what_a_killed_run_left_half_written_is_swept_up_and_nothing_of_anybody_else(tmp_path: Path) -> None:
    folder = tmp_path / "masks" / "WELL7"
    folder.mkdir(parents=True)
    unfinished_beside(folder / "00001-a.png").write_bytes(b"half")
    unfinished_beside(tmp_path / "report").mkdir()
    kept = {
        ".part-0011223344556677.png",
        ".part-two.docx",
        ".part-0123456789abcdef-00112233.png",
        "00001-a.png",
    }
    for name in kept:
        (folder / name).write_bytes(b"whole")
    assert remove_unfinished(tmp_path, {UNFINISHED_MARK}) == 2
    assert {file.name for file in folder.iterdir()} == kept
    assert [file.name for file in tmp_path.iterdir()] == ["masks"]


@given(st.text(max_size=300))
def test_a_safe_name_is_one_path_component_that_any_system_takes(text):
    name = safe_name(text)
    assert Path(name).name == name
    assert name not in {"", ".", ".."}
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|#')
    assert not name.startswith((" ", "."))
    assert not name.endswith((" ", "."))
    assert len(name) <= LONGEST_NAME + 9
    assert len(name.encode()) < 130
    assert safe_name(name) == name


@given(st.lists(st.text(max_size=80) | st.sampled_from(["Well 6", "well 6", "WELL 6"]), unique=True))
def test_different_names_stay_different_on_systems_that_ignore_case_and_unicodes_form(texts):
    names = safe_names(texts)
    assert list(names) == texts
    assert len({clash_key(name) for name in names.values()}) == len(texts)


@pytest.mark.parametrize(
    "plain", ["D5_WELL7-RUN10", "Name D5", "Élodie 5ème jour", "胚 3", "(a) b+c, 50% & more", "com10", "a.b"]
)
def test_a_plain_name_stays_as_it_is(plain):
    assert safe_name(plain) == plain


def test_a_name_in_unicodes_other_form_stays_plain_unless_another_embryo_has_it():
    decomposed = unicodedata.normalize("NFD", "Zoë")
    assert safe_name(decomposed) == "Zoë"
    first, second = safe_names([decomposed, "Zoë"]).values()
    assert first != second
    assert first.startswith("Zoë-")
    assert second.startswith("Zoë-")


@pytest.mark.parametrize(
    "unsafe",
    [
        *("CON", "nul.png", "LPT1", "com¹.txt", "NUL .txt", "..", ".hidden", "end.", "end ", "a/b", "a\\b"),
        *("a:b", "x" * 61, "胚" * 60, "tab\there", "right\u202eleft", "caf\udce9", "monday#2", " a", ""),
    ],
)
def test_an_unsafe_name_is_changed_and_carries_a_hash(unsafe):
    assert re.fullmatch(r".+-[0-9a-f]{8}", safe_name(unsafe))


@given(st.lists(st.text(max_size=12), max_size=8))
def test_natural_keys_of_any_texts_can_be_compared_and_are_equal_only_for_equal_texts(
    texts: list[str],
) -> None:
    assert sorted(sorted(texts, key=natural_key, reverse=True), key=natural_key) == sorted(
        texts, key=natural_key
    )
    assert len({natural_key(text) for text in texts}) == len(set(texts))


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_numbers_in_names_sort_as_numbers(numbers: list[int]) -> None:
    names = [f"WELL7_RUN{number}.jpeg" for number in numbers]
    assert sorted(names, key=natural_key) == [f"WELL7_RUN{number}.jpeg" for number in sorted(numbers)]


def test_what_windows_writes_and_a_text_with_rare_line_ends_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + 'a = 1\r\n[b]\r\nc = "x\u2028y"\r\n'.encode())
    assert read_toml(path) == {"a": 1, "b": {"c": "x\u2028y"}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a = 1\n" + "a.b." * 20_000 + "c = 1\n", f"line 2 has more than {MOST_TOML_DOTS} dots"),
        ('[a]\nx = {"' + '"."' * 20_000 + '" = 1}\n', "line 2 has more than"),
        ("a = " + "[" * 5_000, "nested too deep"),
        ("# " + "long " * 200_000, "larger than 512 kB"),
        ("a = ", "Invalid value"),
    ],
)
def test_what_would_take_all_memory_or_is_no_toml_is_refused_in_words(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(content)
    with pytest.raises(ValueError, match=problem):
        read_toml(path)
