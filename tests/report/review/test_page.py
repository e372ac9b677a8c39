"""The page's files: written where something changed, the same bytes each time, and only our own deleted."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from blastoseg.files import valid_text
from blastoseg.report.film import TILE_SIDE
from blastoseg.report.review.page import key_of, write_page

from .finished import content_of, finished, page_of, pixels

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "../../../etc/passwd",
    "javascript:alert(1)//",
    '"];alert(1);//',
    "a\u2028alert(1)\u2029b",
    "__proto__",
    "=HYPERLINK(1)",
    "\ud800",
    "C:\\x\x00\x07",
]


def files_of(out: Path) -> dict[str, tuple[bytes, int]]:
    page = out / "review"
    return {
        path.relative_to(page).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in page.rglob("*")
        if path.is_file()
    }


def bytes_of(out: Path) -> dict[str, bytes]:
    return {name: content for name, (content, _) in files_of(out).items() if name != "written.json"}


def said_by(script: bytes, function: str) -> list[object]:
    """The values that a data file hands to the page."""
    found = re.fullmatch(rf"blastoseg\.{function}\((.*)\);\n", script.decode("ascii"), re.DOTALL)
    assert found is not None
    return list(json.loads(f"[{found[1]}]"))


def test_the_same_report_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_page(finished(tmp_path / name, ["E1", "E2"]))
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_night_with_nothing_new_writes_nothing(tmp_path):
    content = finished(tmp_path, ["E1", "E2"])
    assert write_page(content) == 2
    before = files_of(tmp_path)
    assert write_page(content) == 0
    assert files_of(tmp_path) == before


def test_only_the_embryo_that_changed_is_written_again(tmp_path):
    content = finished(tmp_path, ["E1", "E2", "E3"])
    write_page(content)
    before = files_of(tmp_path)
    rows = content.tables.frames.to_dict("records")
    rows = [{name: row[name] for name in row if not name.startswith(("steady", "course"))} for row in rows]
    rows[7]["blastocyst_area_um2"] += 1
    assert write_page(content_of(tmp_path, rows)) == 1
    changed = {name for name, found in files_of(tmp_path).items() if found != before[name]}
    assert changed == {f"data/{key_of('E2')}.js", "written.json"}


def test_the_focal_planes_of_a_moment_are_told_beside_its_frame(tmp_path):
    content = finished(tmp_path, ["E1"], frames=2)
    own = [name for name in content.tables.frames if not name.startswith(("steady", "course"))]
    rows = content.tables.frames[own].to_dict("records")
    other = {"focal_plane": 15, "overlay": "overlays/0000/F15.jpg"}
    others = [row | other for row in rows]
    write_page(content_of(tmp_path, [*rows, *others]))
    [data] = (tmp_path / "review" / "data").glob("*.js")
    _, told = said_by(data.read_bytes(), "embryo")
    assert told["frames"]["focal_plane"] == [0, 0]
    assert [(one["frame_index"], one["focal_plane"]) for one in told["planes"]] == [
        (0, 0),
        (1, 0),
        (0, 15),
        (1, 15),
    ]
    assert told["planes"][2]["overlay"] == "overlays/0000/F15.jpg"


def test_a_picture_that_was_made_again_is_noticed(tmp_path):
    content = finished(tmp_path, ["E1", "E2"])
    write_page(content)
    path = tmp_path / "overlays" / "0001" / "00003.jpg"
    other = (tmp_path / "drawn" / "2.jpg").read_bytes()
    path.unlink()
    path.write_bytes(other)
    assert write_page(content) == 1


def test_a_file_that_somebody_deleted_or_cut_is_made_again(tmp_path):
    content = finished(tmp_path, ["E1", "E2"])
    write_page(content)
    whole = bytes_of(tmp_path)
    (tmp_path / "review" / "data" / f"{key_of('E1')}.js").unlink()
    (tmp_path / "review" / "still" / f"{key_of('E2')}.webp").write_bytes(b"cut")
    (tmp_path / "review" / "review.css").write_text("")
    assert write_page(content) == 2
    assert bytes_of(tmp_path) == whole


def test_files_of_an_embryo_that_is_gone_are_deleted_and_no_others(tmp_path):
    write_page(finished(tmp_path, ["E1", "E2"]))
    page = tmp_path / "review"
    changed = page / "data" / f"{key_of('E2')}.js"
    changed.write_text("somebody's own")
    beside = page / "data" / "0123456789abcdef.js"
    beside.write_text("not ours")
    write_page(finished(tmp_path, ["E1"]))
    assert not (page / "film" / f"{key_of('E2')}-0.webp").exists()
    assert not (page / "still" / f"{key_of('E2')}.webp").exists()
    assert changed.read_text() == "somebody's own"
    assert beside.read_text() == "not ours"
    [index] = said_by((page / "index.js").read_bytes(), "index")
    assert [one["name"] for one in index["embryos"]] == ["E1"]


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "[]",
        "nonsense",
        '{"x": 3}',
        '{"x": {"made_of": "", "files": {"../../precious.txt": 4}, "entry": null}}',
        '{"x": {"made_of": "", "files": {"data/../../precious.txt": 4}, "entry": null}}',
        '{"x": {"made_of": "", "files": {"written.json": 4, "/etc/hostname": 4}, "entry": null}}',
    ],
)
def test_a_forged_list_of_files_deletes_nothing_and_stops_nothing(tmp_path, forged):
    (tmp_path / "precious.txt").write_text("mine")
    content = finished(tmp_path, ["E1"])
    write_page(content)
    (tmp_path / "review" / "written.json").write_text(forged)
    write_page(content)
    assert (tmp_path / "precious.txt").read_text() == "mine"
    assert write_page(content) == 0


def test_a_kill_in_between_leaves_nothing_that_the_next_night_does_not_know(tmp_path):
    content = finished(tmp_path, ["E1", "E2"])
    asked = []

    def killed():
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_page(content, killed)
    write_page(content)
    whole = {name for name in files_of(tmp_path) if "/" in name}
    assert whole == {
        name
        for embryo in ("E1", "E2")
        for key in (key_of(embryo),)
        for name in (f"data/{key}.js", f"film/{key}-0.webp", f"still/{key}.webp")
    }


def test_what_a_killed_night_wrote_goes_with_its_embryo(tmp_path):
    content = finished(tmp_path, ["E1", "E2"])

    def written_and_killed():
        if (tmp_path / "review" / "still").is_dir() and len(list(tmp_path.glob("review/still/*.webp"))) == 2:
            raise KeyboardInterrupt

    write_page(content)
    (tmp_path / "review" / "written.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        write_page(content, written_and_killed)
    write_page(finished(tmp_path, ["E1"]))
    assert {path.stem for path in tmp_path.glob("review/*/*")} == {key_of("E1"), f"{key_of('E1')}-0"}


def test_names_from_outside_are_data_and_name_no_file(tmp_path):
    page = page_of(tmp_path, HOSTILE, frames=2, reason="</script><script>alert(1)</script>").parent
    index = (page / "index.js").read_bytes()
    assert not set(b"<>&") & set(index)
    assert [one["name"] for one in said_by(index, "index")[0]["embryos"]] == [
        valid_text(name) for name in HOSTILE
    ]
    for file in page.glob("*/*"):
        assert re.fullmatch(r"[0-9a-f]{16}(-0)?\.(js|webp)", file.name)
    for file in page.glob("data/*.js"):
        assert not set(b"<>&") & set(file.read_bytes())
        key, data = said_by(file.read_bytes(), "embryo")
        assert key == file.stem
        assert len(data["frames"]["time_h"]) == 2


def test_the_page_loads_nothing_from_elsewhere_and_runs_only_its_own_files(tmp_path):
    html = page_of(tmp_path, ["E1"]).read_text("utf-8")
    assert "default-src 'none'" in html
    assert "unsafe" not in html
    assert not re.search(r"https?://|<script>|<style|\son\w+=|\sstyle=", html)
    named = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert all((tmp_path / "review" / name).is_file() for name in named)
    scripts = (tmp_path / "review").glob("*.js")
    own = "\n".join(path.read_text("utf-8") for path in scripts if path.name != "uPlot.js")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", own)


def test_what_is_undefined_is_empty_and_what_has_no_picture_is_said(tmp_path):
    content = finished(tmp_path, ["E1"], blastocyst_area_um2=float("nan"), overlay="", mask="")
    write_page(content)
    [data] = (tmp_path / "review" / "data").glob("*.js")
    _, told = said_by(data.read_bytes(), "embryo")
    assert told["measures"]["blastocyst_area_um2"] == [None] * 6
    assert told["film"]["seen"] == [0] * 6
    still = pixels(tmp_path / "review" / "still" / f"{key_of('E1')}.webp")
    assert np.abs(still.astype(int) - 128).max() <= 1
    assert pixels(tmp_path / "review" / "film" / f"{key_of('E1')}-0.webp").shape == (TILE_SIDE, 6 * TILE_SIDE)
