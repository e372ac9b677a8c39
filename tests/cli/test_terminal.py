"""What is shown on terminals of few columns, without colours, and without control characters."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from blastoseg import RESEARCH_USE_ONLY, cli
from blastoseg.cli.terminal import NARROW, folded, show_table
from blastoseg.model.card import available_weights

pytestmark = pytest.mark.slow

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
LEFT_OUT = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "TTY_COMPATIBLE")
has_terminals = pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
has_starter = pytest.mark.skipif("starter" not in available_weights(), reason="no starter weights here")


def on_terminal(*arguments: object, columns: int = 80, **environment: str) -> str:
    """All that a command writes to a terminal of so many columns."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    process = subprocess.Popen(
        [sys.executable, "-m", "blastoseg", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env | {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"} | environment,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass  # Linux says so that the other end was closed.
    process.wait(timeout=60)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def commands() -> list[list[str]]:
    """The words that name every command and group."""
    found: list[list[str]] = [[]]

    def walk(group: object, words: list[str]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            found.append([*words, name])
            walk(command, found[-1])

    walk(typer.main.get_command(cli.app), [])
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_h_is_help_on_every_command(words: list[str]) -> None:
    answers = [CliRunner().invoke(cli.app, [*words, option]) for option in ("-h", "--help")]
    assert [answer.exit_code for answer in answers] == [0, 0]
    assert "Usage: " in answers[0].output
    assert answers[0].output == answers[1].output


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("ru", {"run"}), ("weights ve", {"verify"}), ("run --sett", {"--settle", "--settings"})],
)
def test_a_shell_completes_commands_and_options(typed: str, offered: set[str]) -> None:
    words = f"blastoseg {typed}"
    asked = {"_BLASTOSEG_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "blastoseg"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | asked,
    )
    assert set(done.stdout.split()) == offered


@has_terminals
@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "arguments",
    [["-h"], ["run", "-h"], ["weights", "list"], ["measure", "nowhere"]],
    ids=" ".join,
)
def test_no_word_is_cut_or_broken_at_the_terminal_s_edge(arguments: list[str], columns: int) -> None:
    shown = on_terminal(*arguments, columns=columns, NO_COLOR="1")
    wide = [line for line in shown.splitlines() if len(line) > columns]
    # The choices of an option are one word, and stay it.
    assert not [line for line in wide if "|" not in line]
    assert "\u2026" not in shown
    if arguments[-1] == "-h":
        assert "Usage: blastoseg" in " ".join(shown.split())
    if arguments == ["run", "-h"]:
        assert {"--summary-json", "--by-content", "--frame-interval"} <= set(shown.split())


@has_terminals
@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["no colour", "dumb"])
@pytest.mark.parametrize(
    "arguments", [["-h"], ["run", "-h"], ["run"], ["weights", "list"], ["measure", "nowhere"]], ids=" ".join
)
def test_plain_terminals_get_plain_text(arguments: list[str], environment: dict[str, str]) -> None:
    shown = on_terminal(*arguments, **environment)
    assert shown.strip()
    assert not CONTROL.search(shown)


@has_terminals
@has_starter
@pytest.mark.slow
@pytest.mark.parametrize("columns", [40, 80])
def test_a_run_a_measuring_and_a_check_fit_a_plain_terminal(tmp_path: Path, columns: int) -> None:
    assert "1 image of 1 embryo in" in on_terminal("simulate", tmp_path / "in", "--embryos", 1, columns=200)
    out = tmp_path / "out"
    shown = on_terminal("run", tmp_path / "in", "--out", out, "--settle", 0, columns=columns, NO_COLOR="1")
    assert "1 frame of 1 embryo" in shown
    assert re.search(r"1 embryo, 1 frame: .*\(exit\s+0\)", shown, re.DOTALL)
    shown += on_terminal("measure", out / "masks", "--out", tmp_path / "again", columns=columns, TERM="dumb")
    assert "1 label image:" in shown
    shown += on_terminal("doctor", tmp_path, columns=columns, NO_COLOR="1")
    assert not CONTROL.search(shown)
    # A path is never broken, wherever it ends.
    wide = [line for line in shown.splitlines() if len(line) > columns and str(tmp_path) not in line]
    assert not wide
    assert shown.count("Research Use Only") == 3


@has_terminals
def test_a_terminal_with_colours_keeps_them() -> None:
    assert "\x1b[" in on_terminal("-h")


def table() -> Table:
    made = Table(title="Embryos")
    for heading in ("embryo", "diam.\num", "flags"):
        made.add_column(heading)
    made.add_row("E1", "120", Text("low confidence\nhatching"))
    made.add_row("E2", "-", "")
    made.caption = "and 7 more"
    return made


def test_a_narrow_terminal_has_a_list_in_place_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(Console(width=NARROW - 1), table())
    assert capsys.readouterr().out.splitlines() == [
        *("Embryos", "E1", "  diam. um: 120", "  flags: low confidence, hatching", "E2", "and 7 more"),
    ]
    show_table(Console(width=NARROW), table())
    assert "│ E1" in capsys.readouterr().out


def test_what_is_no_terminal_has_one_line_for_one_thing() -> None:
    assert folded(f"{RESEARCH_USE_ONLY} " * 9, "  ") == f"{RESEARCH_USE_ONLY} " * 9
