"""Files are the old one or the new one, never half of either."""

from pathlib import Path

import pytest

from blastoseg.journal import remove_unfinished, replace_atomically


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


def test_what_a_killed_run_left_half_written_is_swept_up(tmp_path: Path) -> None:
    folder = tmp_path / "masks" / "WELL7"
    folder.mkdir(parents=True)
    (folder / ".part-0011223344556677.png").write_bytes(b"half")
    (folder / "00001-a.png").write_bytes(b"whole")
    assert remove_unfinished(tmp_path) == 1
    assert [file.name for file in folder.iterdir()] == ["00001-a.png"]
