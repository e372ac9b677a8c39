"""The command as a whole: it answers at once, and every failure is one message and one exit code."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from blastoseg import __version__, cli
from blastoseg.errors import BlastosegError, exit_codes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def _blastoseg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "blastoseg", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_help_lists_every_command_and_every_exit_code() -> None:
    answer = CliRunner().invoke(cli.app, ["--help"])
    assert answer.exit_code == 0
    for command in typer.main.get_command(cli.app).commands:
        assert re.search(rf"│ {command} ", answer.output)
    for code, meaning in exit_codes().items():
        assert f"{code:>3}  {meaning}\n" in answer.output


def test_the_readme_lists_the_same_exit_codes() -> None:
    table = re.findall(r"^\| (\d+) \| (.+?) \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in table} == exit_codes()


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(cli.app, ["--version"]).output == f"blastoseg {__version__}\n"


@pytest.mark.parametrize("kind", BlastosegError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_error_ends_with_its_message_and_its_exit_code(
    kind: type[BlastosegError], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise kind("day5[1].toml: is wrong: mend it")

    monkeypatch.setattr("blastoseg.run.journal.read_runs", fail)
    answer = CliRunner().invoke(cli.app, ["audit", str(tmp_path)])
    assert answer.exit_code == kind.exit_code
    assert answer.stderr == "Error: day5[1].toml: is wrong: mend it\n"
    assert answer.stdout == ""


def test_an_interruption_has_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("blastoseg.run.journal.read_runs", interrupt)
    answer = CliRunner().invoke(cli.app, ["audit", str(tmp_path)])
    assert answer.exit_code == 130
    assert answer.stderr.startswith("Interrupted")


WAIT_FOREVER = """
import time
from blastoseg import cli
from blastoseg.run import journal

def wait(out):
    print("working", flush=True)
    time.sleep(60)

journal.read_runs = wait
cli.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without asking them")
def test_being_asked_to_stop_is_an_interruption_too(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT_FOREVER, "audit", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    process.send_signal(signal.SIGTERM)
    _, shown = process.communicate(timeout=30)
    assert process.returncode == 130
    assert shown.startswith("Interrupted")


@pytest.mark.parametrize("debug", [False, True])
def test_an_unforeseen_error_keeps_its_traceback_in_a_file(
    debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr("blastoseg.run.journal.read_runs", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["blastoseg", "audit", "somewhere"])
    monkeypatch.delenv("BLASTOSEG_DEBUG", raising=False)
    if debug:
        monkeypatch.setenv("BLASTOSEG_DEBUG", "1")
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    shown = capsys.readouterr().err
    (crash,) = tmp_path.glob("blastoseg-crash-*.log")
    assert str(crash) in shown
    assert "Traceback" in crash.read_text("utf-8")
    assert ("Traceback" in shown) is debug


def test_a_missing_libgl_is_named_with_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(
        'raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")'
    )
    for arguments in (("doctor", str(tmp_path)), ("run", str(tmp_path))):
        answer = _blastoseg(*arguments, PYTHONPATH=str(tmp_path), COLUMNS="200")
        assert answer.returncode == 10, answer.stderr
        for words in ("libGL.so.1", "libgl1 libglib2.0-0", "mesa-libGL", "opencv-python-headless"):
            assert words in answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr


def test_options_with_one_letter_are_few_and_mean_the_same_everywhere() -> None:
    meanings: dict[str, set[str]] = {}

    def walk(command: typer.core.TyperGroup | typer.core.TyperCommand) -> None:
        letters = [letter for option in command.params for letter in option.opts if _is_letter(letter)]
        assert len(letters) == len(set(letters)), f"{command.name}: a letter is used twice"
        for option in command.params:
            for letter in filter(_is_letter, option.opts):
                meanings.setdefault(letter, set()).update(set(option.opts) - {letter})
        for inner in getattr(command, "commands", {}).values():
            walk(inner)

    walk(typer.main.get_command(cli.app))
    allowed = {"-o": {"--out"}, "-v": {"--verbose"}, "-q": {"--quiet"}}
    assert all(allowed.get(letter) == names for letter, names in meanings.items()), meanings


def _is_letter(option: str) -> bool:
    return option.startswith("-") and not option.startswith("--")


def test_every_command_explains_itself() -> None:
    def walk(command: typer.core.TyperGroup | typer.core.TyperCommand) -> None:
        assert command.help, command.name
        for option in command.params:
            assert getattr(option, "help", None), f"{command.name} {option.name}"
        for inner in getattr(command, "commands", {}).values():
            walk(inner)

    walk(typer.main.get_command(cli.app))
