"""Names behind pseudonyms: nothing that leaves the run holds one."""

import os
import re
from pathlib import Path

import pytest

from blastoseg.errors import BlastosegError, InputNotFoundError, OutputError, SettingsError, UsageError
from blastoseg.run.journal import FrameKeys
from blastoseg.run.pseudonyms import Pseudonyms
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, discover_frames

NAMES = ["J", "7", "2071984", "王小明", os.fsdecode(b"Zo\xeb"), "jAnE dOE", "p", "D5"]


@pytest.fixture
def names(tmp_path: Path) -> Pseudonyms:
    names = Pseudonyms.load(tmp_path / "lab.key")
    names.begin(tmp_path / "out")
    return names


def everything_said_of(found: Discovery) -> list[str]:
    said = [*found.notes, *(problem.reason for problem in found.problems)]
    for ref in [*found.refs, *(problem.ref for problem in found.problems)]:
        said += [ref.embryo_id, ref.source, ref.um_per_px_source, FrameKeys().of(ref).address]
    return said


def is_without(name: str, text: str) -> bool:
    """No word of the text, pseudonyms left out, is the name; long names stand nowhere at all."""
    words = re.split(r"[^\w\\]+", re.sub(r"\bp[0-9a-f]{12}\b", "", text))
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    is_word = shown.casefold() in {word.casefold() for word in words}
    return not is_word and (len(shown) < 4 or shown.casefold() not in text.casefold())


def messy_folder(place: Path, name: str) -> Path:
    """A folder of which everything is said that discovery can say."""
    given = place / "given" / name
    well = given / name
    (well / "masks").mkdir(parents=True)
    (well / "masks" / f"{name}.png").write_bytes(b"labels")
    (given / f"out{name}").symlink_to(place)
    for run, plane in ((1, 0), (2, 15), (3, 0)):
        (well / f"{name}_RUN{run}_F{plane}.jpg").write_bytes(b"not looked at")
    (given / f"{name}.avi").write_bytes(b"no video")
    (given / f"{name}.pdb").write_bytes(b"no slide file")
    (given / f"{name}.tif").write_bytes(b"no stack")
    (given / f"{name}_timeElapsed.csv").write_text("frame_index,time\nKovac,1\n")
    (well / "report").mkdir()
    (well / "report" / "journal.sqlite").write_bytes(b"")
    return given


@pytest.mark.skipif(os.name == "nt", reason="names as POSIX allows them")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("focal", ["0", "best", "15"])
def test_nothing_that_is_said_of_a_folder_holds_a_name(
    tmp_path: Path, names: Pseudonyms, name: str, focal: str
) -> None:
    given = messy_folder(tmp_path, name)
    found = discover_frames([given], SourceOptions(Naming(), focal), shown=names)
    said = everything_said_of(found)
    assert found.refs
    assert any("masks" in note or "labels, not frames" in note for note in (*found.notes, *found.remarks))
    assert any("link" in note for note in (*found.notes, *found.remarks))
    # A table is found by its video's name, of which text that is no UTF-8 has two forms.
    assert any("cannot be used" in note for note in (*found.notes, *found.remarks)) or "\udceb" in name
    for text in said:
        assert is_without(name, text), text
        assert "Kovac" not in text
        assert str(tmp_path) not in text


@pytest.mark.skipif(os.name == "nt", reason="names as POSIX allows them")
@pytest.mark.parametrize("name", NAMES)
def test_an_input_without_frames_is_refused_without_its_name(
    tmp_path: Path, names: Pseudonyms, name: str
) -> None:
    empty, other = tmp_path / name, tmp_path / f"{name}.txt"
    empty.mkdir()
    other.write_text("notes")
    for path in (empty, other, tmp_path / "gone" / name, Path("/") / name):
        with pytest.raises(InputNotFoundError) as raised:
            discover_frames([path], SourceOptions(Naming()), shown=names)
        assert is_without(name, str(raised.value)), raised.value


def test_a_pattern_that_takes_too_long_is_told_without_the_name(
    tmp_path: Path, names: Pseudonyms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blastoseg.sources.names.PATIENCE_S", 0.01)
    careless = Naming(embryo=r"(?P<embryo>(a|aa)+)$")
    for number in range(25):
        (tmp_path / f"{'a' * 40}Jane{number}.png").write_bytes(b"")
    with pytest.raises(SettingsError, match="takes longer") as raised:
        discover_frames([tmp_path], SourceOptions(careless), shown=names)
    assert "Jane" not in str(raised.value)


def test_the_keys_of_frames_with_planes_to_choose_from_hold_no_name(
    tmp_path: Path, names: Pseudonyms
) -> None:
    for plane in (0, 15):
        path = tmp_path / "JaneDoe" / f"JaneDoe_WELL1_RUN1_F{plane}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"not looked at")
    [ref] = discover_frames([tmp_path], SourceOptions(Naming(), "best"), shown=names).refs
    key = FrameKeys().of(ref)
    assert "sharpest of" in key.address
    assert "Jane" not in f"{key.source} {key.address}"


def test_files_that_differ_in_the_case_of_their_extension_keep_two_sources(names: Pseudonyms) -> None:
    assert names.of_source("a/x.jpg") != names.of_source("a/x.JPG")


def test_an_error_that_nobody_foresaw_keeps_what_it_says_to_itself(tmp_path: Path) -> None:
    with pytest.raises(BlastosegError) as raised, Pseudonyms.load(tmp_path / "lab.key"):
        raise FileNotFoundError(2, "gone", "/ward/JaneDoe.jpg")
    assert "FileNotFoundError" in str(raised.value)
    assert "Jane" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_the_way_to_the_output_folder_is_not_shown(tmp_path: Path) -> None:
    out = tmp_path / "JaneDoe" / "out"
    with (
        pytest.raises(OutputError, match=r"^OUT/report\.xlsx: full"),
        Pseudonyms.load(tmp_path / "lab.key") as names,
    ):
        names.begin(out)
        raise OutputError(f"{out}/report.xlsx: full")


@pytest.mark.skipif(os.name == "nt", reason="links")
@pytest.mark.parametrize("keyfile", ["out/lab.key", "link.key", "folder/lab.key", "out/leads_out.key"])
def test_a_key_in_the_output_folder_is_refused_before_anything_is_written_there(
    tmp_path: Path, keyfile: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "link.key").symlink_to(out / "lab.key")
    (tmp_path / "folder").symlink_to(out)
    (out / "leads_out.key").symlink_to(tmp_path / "elsewhere.key")
    with (
        pytest.raises(UsageError, match="lies in the output folder"),
        Pseudonyms.load(tmp_path / keyfile) as names,
    ):
        names.of_name("JaneDoe")
        names.begin(out)
    assert [path.name for path in out.iterdir()] == ["leads_out.key"]
    assert not (tmp_path / "elsewhere.key").exists()


@pytest.mark.skipif(os.name == "nt", reason="modes as POSIX knows them")
def test_a_key_that_others_can_read_is_told_of(tmp_path: Path, names: Pseudonyms) -> None:
    assert names.notes == []
    (tmp_path / "lab.key").chmod(0o640)
    again = Pseudonyms.load(tmp_path / "lab.key")
    again.begin(tmp_path / "out")
    assert again.fingerprint == names.fingerprint
    assert "can be read by others" in again.notes[0]


def _written_map(names: Pseudonyms, *met: str) -> str:
    for name in met:
        names.of_name(name)
    names.write_map()
    return names.map_file.read_text("utf-8")


def test_the_map_keeps_the_names_of_earlier_runs_and_runs_no_formula(
    tmp_path: Path, names: Pseudonyms
) -> None:
    _written_map(names, "Zoë", "=1+1")
    # A spreadsheet puts a mark before what it saves as UTF-8.
    names.map_file.write_bytes(b"\xef\xbb\xbf" + names.map_file.read_bytes())
    again = Pseudonyms.load(tmp_path / "lab.key")
    again.begin(tmp_path / "out")
    assert _written_map(again, "王小明").splitlines() == [
        "pseudonym,name",
        *sorted(f"{again.of_name(name)},{shown}" for name, shown in
                (("Zoë", "Zoë"), ("=1+1", "'=1+1"), ("王小明", "王小明"))),
    ]  # fmt: skip


@pytest.mark.parametrize("spoiled", ["cp1252", "semicolons", "cut short"])
def test_a_map_that_a_spreadsheet_spoiled_is_refused_before_a_frame_is_read_and_left_as_it_is(
    tmp_path: Path, names: Pseudonyms, spoiled: str
) -> None:
    text = _written_map(names, "Zoë", "E1")
    content = {
        "cp1252": text.encode("cp1252"),
        "semicolons": text.replace(",", ";").encode(),
        "cut short": f'{text}p0123456789ab,"Jane'.encode(),
    }[spoiled]
    names.map_file.write_bytes(content)
    with pytest.raises(OutputError, match=r"lab\.key\.map\.csv: is not as it was written"):
        Pseudonyms.load(tmp_path / "lab.key").begin(tmp_path / "out")
    assert names.map_file.read_bytes() == content
