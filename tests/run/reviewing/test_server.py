"""The served page answers its own browser and nobody else."""

import base64
import json
import socket
import webbrowser
from pathlib import Path

import pytest

from blastoseg.run.reviewing.opening import opened_in_browser
from tests.reviewed_night import E1, request_to_save

pytestmark = pytest.mark.slow


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
    body = request_to_save(out)
    for path in ("/api/save", "/api/withdraw", "/api/carry", "/api/stop", "/session"):
        answer, _ = ask(path, body, **wrong)
        assert answer.status == 403, path
        assert answer.getheader("Set-Cookie") is None
    assert not (out / "corrections").exists()


def test_the_entrance_opens_from_anywhere_and_holds_nothing(served, ask, monkeypatch):
    for path in ("/", "/entrance.js", "/favicon.ico"):
        answer, told = ask(path, Cookie=None, Sec_Fetch_Site="cross-site")
        assert answer.status == 200
        assert served.access.token.encode() not in told
        assert ask(path, Host="rebound.example")[0].status == 403
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    with opened_in_browser(served.access.address):
        [address] = opened
        assert address.startswith("file:")
        file = Path(address.removeprefix("file://"))
        assert served.access.address in file.read_text("utf-8")
        assert not file.parent.stat().st_mode & 0o077
    assert not file.exists()


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
    answer, told = ask("/api/save", request_to_save(out) | change)
    assert answer.status in (404, 422)
    assert said in json.loads(told)["problem"]
    assert not (out / "corrections").exists()


@pytest.mark.parametrize("length", ["99999999999", "-1", "x", "0x10"])
def test_a_request_of_any_length_is_refused_before_it_is_read(ask, length):
    answer, _ = ask("/api/save", {}, Content_Length=length)
    assert answer.status == 422
