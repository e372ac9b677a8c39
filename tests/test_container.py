"""The container file: what can be held without building it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "Containerfile").read_text("utf-8")
STEPS = re.findall(r"^([A-Z]+) (.*)$", re.sub(r"\\\n", " ", TEXT), re.MULTILINE)


def steps(kind: str) -> list[str]:
    return [rest for name, rest in STEPS if name == kind]


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    assert ignored[0] == "*", "nothing goes in that is not named"
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = {name for rest in steps("COPY") if "--from" not in rest for name in rest.split()[:-1]}
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


def test_what_is_installed_is_pinned_and_what_runs_is_not_root() -> None:
    installs = re.findall(r"pip install[^&;]*", " ".join(steps("RUN")))
    assert len(installs) == 3
    assert all("-c constraints.txt" in line for line in installs)
    last = STEPS[max(number for number, (name, _) in enumerate(STEPS) if name == "FROM") :]
    assert [rest for name, rest in last if name == "USER"] == ["10001"]
    assert not [rest for name, rest in last if name == "RUN" and re.search(r"pip|apt|curl|wget", rest)]
    assert not steps("ADD")
    assert steps("ENTRYPOINT") == ['["blastoseg"]']


def test_the_linter_finds_nothing() -> None:
    linter = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, ROOT / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
