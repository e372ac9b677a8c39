"""The served page answers its own browser and nobody else, and what it saves is whole or not there."""

import base64
import errno
import http.client
import json
import os
import socket
import threading
from pathlib import Path

import pytest

from blastoseg.run.corrections import folder as corrections_folder
from blastoseg.run.corrections.folder import read_corrections, read_labels
from blastoseg.run.journal import OutputLock
from blastoseg.run.reviewing.saving import Reviewer
from blastoseg.run.reviewing.server import ReviewServer
from tests.reviewed_night import (
    E1,
    make_reviewed_nights_cheap,
    night,
    same,
    with_larger_icm,
    write_frames,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        night(write_frames(folder / "frames", ["E1"], frames=3), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def served(out):
    with ReviewServer(Reviewer(out)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(served):
    """Asks as the page's own browser does, but for what is given; None leaves a header out."""
    access = served.access

    def asked(path, body=None, method=None, **headers):
        own = {
            "Host": f"127.0.0.1:{access.port}",
            "Cookie": f"blastoseg-{access.port}={access.session}",
            "Origin": access.origin if body is not None else None,
            "X-Blastoseg-Token": access.token if body is not None else None,
        }
        own |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", access.port, timeout=20)
        connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True)
        content = b"" if body is None else json.dumps(body).encode()
        own.setdefault("Content-Length", str(len(content)) if content else None)
        for name, value in own.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(content)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        return answer, told

    return asked


def changed(out, place=0):
    """A request to save a frame with a larger inner cell mass."""
    reviewer = Reviewer(out)
    labels = with_larger_icm(reviewer.labels(E1, place, of_network=True))
    known = reviewer.state(E1)["frames"].get(str(place), {"revision": ""})
    return {
        "report": reviewer.report.stamp,
        "embryo": E1,
        "place": place,
        "by": "A. B.",
        "revision": known["revision"],
        "shape": labels.shape,
        "labels": base64.b64encode(labels.tobytes()).decode(),
    }


def test_it_listens_on_this_machine_alone(served):
    assert served.server_address[0] == "127.0.0.1"
    assert served.socket.family == socket.AF_INET


@pytest.mark.parametrize(
    "wrong",
    [
        {"Cookie": None},
        {"Cookie": "blastoseg=; blastoseg-1=x"},
        {"Cookie": "blastoseg-{port}=\xe9"},
        {"Host": "rebound.example:{port}"},
        {"Host": "localhost:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": None},
        {"Origin": "http://foreign.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_nobody_else_reads(served, ask, wrong):
    wrong = {name: value and value.format(port=served.access.port) for name, value in wrong.items()}
    for path in ("/review/index.html", "/review/index.js", f"/api/state?embryo={E1}"):
        answer, told = ask(path, **wrong)
        assert answer.status == 403, path
        assert b"E1" not in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"X_Blastoseg_Token": None},
        {"X_Blastoseg_Token": "wrong"},
        {"X_Blastoseg_Token": ""},
        {"Origin": None},
        {"Origin": "http://foreign.example"},
        {"Host": "rebound.example:80"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
    ids=str,
)
def test_nobody_else_writes_or_ends_it(out, ask, wrong):
    body = changed(out)
    for path in ("/api/save", "/api/withdraw", "/api/carry", "/api/stop", "/session"):
        answer, _ = ask(path, body, **wrong)
        assert answer.status == 403, path
        assert answer.getheader("Set-Cookie") is None
    assert not (out / "corrections").exists()


def test_the_token_is_changed_for_a_cookie_that_scripts_cannot_read(ask):
    answer, _ = ask("/session", {}, Cookie=None)
    assert answer.status == 200
    assert "HttpOnly; SameSite=Strict" in answer.getheader("Set-Cookie")


@pytest.mark.parametrize(
    "path",
    [
        "/review/",
        "/review",
        "/overlays/",
        "/frames.csv",
        "/report.xlsx",
        "/run.json",
        "/journal.sqlite",
        "/review/written.json",
        "/masks/E1/00000-0.png",
        "/review/../run.json",
        "/review/%2e%2e/run.json",
        "/overlays/../../frames/x.jpg",
        "/overlays/%2e%2e/x.jpg",
        "/overlays/..%2f..%2fx/y.jpg",
        "/overlays/E1/..%5c..%5cx.jpg",
        "/overlays/E1/%00.jpg",
        "//etc/passwd",
        "/review/data/../index.js",
        "/overlays/linked/secret.jpg",
        "/overlays/E1/linked.jpg",
        f"/review/data/{'0' * 16}.js",
    ],
)
def test_only_the_page_and_overlays_are_given_out(out, ask, path, tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"secret")
    links = [(out / "overlays" / "linked", tmp_path), (out / "overlays" / "E1" / "linked.jpg", secret)]
    for link, target in links:
        link.symlink_to(target)
    try:
        answer, told = ask(path)
    finally:
        for link, _ in links:
            link.unlink()
    assert answer.status == 404
    assert b"secret" not in told


def test_every_answer_says_that_nothing_may_be_loaded_from_elsewhere(ask):
    for path in ("/", "/review/index.html", "/review/data/../x", f"/api/state?embryo={E1}"):
        answer, _ = ask(path)
        assert answer.getheader("Content-Security-Policy").startswith("default-src 'none'; script-src 'self'")
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Cache-Control") == "no-store"


def test_a_script_that_lies_in_the_output_folder_is_not_given_out(out, ask):
    page, data = out / "review" / "page.js", out / "review" / "data" / f"{E1}.js"
    kept = page.read_bytes(), data.read_bytes()
    try:
        page.write_text("alert(1)")
        data.write_bytes(kept[1].rstrip(b");\n") + b",alert(1));\n")
        assert b"alert" not in ask("/review/page.js")[1]
        assert ask(f"/review/data/{E1}.js")[0].status == 404
    finally:
        page.write_bytes(kept[0])
        data.write_bytes(kept[1])
    assert ask(f"/review/data/{E1}.js")[1] == kept[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": "?"}, "base64"),
        ({"labels": "AAAA"}, "do not fill"),
        ({"labels": base64.b64encode(b"\x05" * 40_000).decode()}, "no tissue"),
        ({"shape": [100, 400]}, "do not fit"),
        ({"shape": [0, 0]}, "shape"),
        ({"by": " "}, "by"),
        ({"by": "x" * 81}, "by"),
        ({"embryo": "../../../x"}, "embryo"),
        ({"place": -1}, "place"),
        ({"place": 99}, "not in the report"),
        ({"path": "/etc/passwd"}, "path"),
    ],
    ids=str,
)
def test_what_is_no_correction_is_refused_in_words(out, ask, change, said):
    answer, told = ask("/api/save", changed(out) | change)
    assert answer.status in (404, 422)
    assert said in json.loads(told)["problem"]
    assert not (out / "corrections").exists()


@pytest.mark.parametrize("length", ["99999999999", "-1", "x", "0x10"])
def test_a_request_of_any_length_is_refused_before_it_is_read(ask, length):
    answer, _ = ask("/api/save", {}, Content_Length=length)
    assert answer.status == 422


def test_while_a_night_runs_nothing_is_saved_and_the_page_says_so(out, ask):
    with OutputLock(out):
        answer, told = ask("/api/save", changed(out))
    assert answer.status == 423
    assert "another run works on this folder" in json.loads(told)["problem"]
    assert not (out / "corrections").exists()


def test_a_second_browser_is_told_who_saved_meanwhile_and_a_full_disk_leaves_what_stood(
    out, ask, monkeypatch
):
    first, second = changed(out), changed(out) | {"by": "C. D."}
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
    answer, told = ask("/api/save", changed(out) | {"report": "0" * 16})
    assert answer.status == 409
    assert "load the page again" in json.loads(told)["problem"]


def test_names_of_embryos_are_text_in_file_names_and_answers(tmp_path):
    hostile = ["<img src=x onerror=alert(1)>", "=cmd", "..", "a'b\"&c"]
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        folder = tmp_path / "frames"
        write_frames(folder, [name.replace("/", "_") for name in hostile if name != ".."], frames=1)
        out = tmp_path / "out"
        night(folder, out)
        from blastoseg.report.review.written import read_list
        from tests.reviewed_night import correct

        for key in read_list(out / "review"):
            correct(out, key=key, place=0, by="<b>=1+1</b>")
        ended = night(folder, out)
    assert ended.notes == ()
    table = (out / "frames.csv").read_text("utf-8")
    assert table.count(",drawn,") == 3
    for path in (out / "corrections").rglob("*"):
        assert not set("<>:\"'=") & set(path.name), path.name
        assert Path(path).resolve().is_relative_to(out)
