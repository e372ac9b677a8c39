"""What is saved is whole or not there, over the state that was seen, and never beside a night."""

import base64
import errno
import json
import os
from pathlib import Path

import pytest

from blastoseg.report.review.written import read_list
from blastoseg.run.corrections import folder as corrections_folder
from blastoseg.run.corrections.folder import read_corrections, read_labels
from blastoseg.run.journal import OutputLock
from blastoseg.run.reviewing.saving import Reviewer
from tests.reviewed_night import (
    E1,
    correct,
    make_reviewed_nights_cheap,
    night,
    request_to_save,
    same,
    with_larger_icm,
    write_frames,
)

pytestmark = pytest.mark.slow


def test_while_a_night_runs_nothing_is_saved_and_the_page_says_so(out, ask):
    with OutputLock(out):
        answer, told = ask("/api/save", request_to_save(out))
    assert answer.status == 423
    assert "another run works on this folder" in json.loads(told)["problem"]
    assert not (out / "corrections").exists()


def test_a_second_browser_is_told_who_saved_meanwhile_and_a_full_disk_leaves_what_stood(
    out, ask, monkeypatch
):
    first, second = request_to_save(out), request_to_save(out) | {"by": "C. D."}
    answer, told = ask("/api/save", first)
    assert answer.status == 200
    assert json.loads(told)["texts"]["corrected"] == "drawn"
    answer, told = ask("/api/save", second)
    assert answer.status == 409
    assert "A. B. saved a correction of this frame meanwhile" in json.loads(told)["problem"]
    [kept] = read_corrections(out).kept.values()
    assert same(read_labels(out, kept), with_larger_icm(Reviewer(out).labels(E1, 0, of_network=True)))
    before = {path: path.read_bytes() for path in (out / "corrections").rglob("*") if path.is_file()}

    other = bytearray(base64.b64decode(second["labels"]))
    other[:20] = b"\x03" * 20
    again = second | {"revision": kept.revision, "labels": base64.b64encode(other).decode()}
    replace, calls = corrections_folder.replace_atomically, []

    def full(number):
        def replaced(path):
            calls.append(path)
            if len(calls) >= number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return replace(path)

        return replaced

    for number in (1, 2, 3):
        calls.clear()
        monkeypatch.setattr(corrections_folder, "replace_atomically", full(number))
        answer, told = ask("/api/save", again)
        assert answer.status == 507
        assert "the correction before it stands" in json.loads(told)["problem"]
        assert {
            path: path.read_bytes() for path in (out / "corrections").rglob("*") if path.is_file()
        } == before
    monkeypatch.undo()
    assert ask("/api/save", again)[0].status == 200
    [kept] = read_corrections(out).kept.values()
    assert kept.record.by == "C. D."
    assert len(list((out / "corrections").rglob("*.*"))) == 3
    withdrawn = {name: again[name] for name in ("report", "embryo", "place")} | {"revision": kept.revision}
    assert ask("/api/withdraw", withdrawn)[0].status == 200
    assert not list((out / "corrections").rglob("*.*"))


def test_a_report_that_was_written_anew_is_loaded_again_first(out, ask):
    answer, told = ask("/api/save", request_to_save(out) | {"report": "0" * 16})
    assert answer.status == 409
    assert "load the page again" in json.loads(told)["problem"]


def test_names_of_embryos_are_text_in_file_names_and_answers(tmp_path):
    hostile = ["<img src=x onerror=alert(1)>", "=cmd", "a'b\"&c"]
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        folder = tmp_path / "frames"
        write_frames(folder, hostile, frames=1)
        out = tmp_path / "out"
        night(folder, out)
        for key in read_list(out / "review"):
            correct(out, key=key, place=0, by="<b>=1+1</b>")
        ended = night(folder, out)
    assert ended.notes == ()
    table = (out / "frames.csv").read_text("utf-8")
    assert table.count(",drawn,") == 3
    for path in (out / "corrections").rglob("*"):
        assert not set("<>:\"'=") & set(path.name), path.name
        assert Path(path).resolve().is_relative_to(out)
