"""Whole runs under pseudonyms: no name leaves them, whatever it looks like and whatever goes wrong."""

import hashlib
import os
import re

import pandas as pd
import pytest

from blastoseg.sources.names import printable

from .night import everything_written, finish, make_frames, start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="names as POSIX allows them"),
]
PERSONS = ["2071984", "王小明", os.fsdecode(b"Zo\xeb"), "kOvAc"]


def forms_of(name):
    raw = os.fsencode(name)
    shown = raw.decode("utf-8", "backslashreplace")
    return {raw, shown.encode(), shown.encode("utf-16-le"), ascii(name)[1:-1].encode()}


@pytest.fixture
def ward(tmp_path):
    """Embryos of several persons, and all that messages are made of: damaged files, links, tables, masks."""
    ward = make_frames(tmp_path / "kOvAc", "first", 1)
    [whole] = (ward / "first").glob("*.jpg")
    for person in PERSONS:
        well = ward / person / person
        (well / "masks").mkdir(parents=True)
        (well / "masks" / f"{person}.png").write_bytes(b"labels")
        (well / f"{person}_RUN1.jpg").write_bytes(whole.read_bytes())
        (well / f"{person}_RUN2.jpg").write_bytes(whole.read_bytes()[:3000])
        (well / f"{person}_RUN3.jpg").symlink_to(whole)
        (ward / f"{person}.tif").write_bytes(whole.read_bytes())
        (ward / f"{person}.pdb").write_bytes(b"no slide file")
        (ward / f"{person}_timeElapsed.csv").write_text("frame_index,time\nkOvAc,1\n")
        (ward / f"link_{person}").symlink_to(tmp_path)
    shown = [printable(person) for person in PERSONS]
    rows = [f'"{name}/{name}","{name}","x {name}",frozen,2026-03-01 14:30' for name in shown]
    rows += ["first,kOvAc,kOvAc,kept for kOvAc,kOvAc", "kOvAc,,,,", "kOvAc,,,,"]
    heading = "embryo,patient,dish,fate,insemination_time"
    (tmp_path / "told.csv").write_text("\n".join([heading, *rows]), "utf-8")
    with (tmp_path / "quick.toml").open("a") as settings:
        settings.write("[naming]\npatient = '(?P<patient>[^/]+)/[^/]*$'\ndish = '^(?P<dish>[^/]+)/'\n")
    return ward


def run_quietly(ward, tmp_path, *options, **others):
    summary = tmp_path / "summary.json"
    keys = ("--pseudonymise", tmp_path / "lab.key", "--summary-json", summary, "--settle", "0")
    code, text = finish(start(ward, tmp_path / "out", *keys, *options, **others))
    written = everything_written(tmp_path / "out") if (tmp_path / "out").exists() else b""
    return code, text, text.encode("utf-8", "surrogateescape") + written + summary.read_bytes()


def assert_nameless(written):
    for person in PERSONS:
        for form in forms_of(person):
            assert form.lower() not in written.lower(), written[
                max(0, written.lower().find(form.lower()) - 200) :
            ][:400]


def test_no_name_of_any_kind_leaves_a_run(ward, tmp_path):
    options = ("--embryos", tmp_path / "told.csv", "--pdf", "--log-level", "debug")
    code, text, written = run_quietly(ward, tmp_path, *options)
    assert code == 3, text
    assert_nameless(written)
    assert hashlib.sha256((tmp_path / "told.csv").read_bytes()).hexdigest().encode() not in written
    embryos = pd.read_csv(tmp_path / "out" / "embryos.csv", dtype=str, keep_default_na=False)
    hashes = re.compile("p[0-9a-f]{12}")
    assert all(hashes.fullmatch(name) for name in (*embryos["patient"], *embryos["dish"]))
    assert embryos["patient"].nunique() > 1
    assert set(embryos["fate"]) == {"", "frozen"}
    assert not embryos["insemination_time"].any()
    pages = {path.stem for path in (tmp_path / "out" / "patients").glob("*/*.pdf")}
    assert pages == set(embryos["patient"])
    assert b"labels, not frames" in written
    assert b"a link that leads out" in written


CRASH = """
import blastoseg.{module} as module
def crash(*_, **__):
    raise {error}(bytes.fromhex("{said}").decode())  # a traceback shows this line
module.{function} = crash
"""


@pytest.mark.parametrize(
    ("module", "function", "error"),
    [
        ("run.pipeline", "discover_frames", "RuntimeError"),
        ("run.reporting", "write_csv", "RuntimeError"),
        ("run.stream", "try_twice", "ValueError"),
    ],
)
def test_an_error_that_nobody_foresaw_tells_no_name(ward, tmp_path, module, function, error):
    injected = CRASH.format(module=module, function=function, error=error, said=b"kOvAc, 2071984".hex())
    code, text, written = run_quietly(ward, tmp_path, injected=injected)
    assert code in {1, 3}, text
    assert error.encode() in written
    assert_nameless(written)


def test_pictures_with_names_are_noticed_where_the_ledger_was_moved_away(tmp_path):
    ward, out = make_frames(tmp_path / "ward", "kOvAc", 1), tmp_path / "out"
    code, text = finish(start(ward, out))
    assert code == 0, text
    (out / "journal.sqlite").rename(tmp_path / "away.sqlite")
    code, text = finish(start(ward, out, "--pseudonymise", tmp_path / "lab.key"))
    assert code == 2, text
    assert "holds names of earlier runs" in text
