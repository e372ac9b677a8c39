"""What the documentation says holds: its links, its commands, its exit codes."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from blastoseg import RESEARCH_USE_ONLY, errors
from blastoseg.cli import app
from blastoseg.report.finished import Run

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
LONG_AGO = 1_700_000_000
"""A file just written is left for the next night."""

NAPARI = """
from types import SimpleNamespace
run = lambda: None
class Viewer:
    add_image = add_labels = lambda self, data, **_: SimpleNamespace(data=data)
"""

COMMAND_LINE = re.compile(r"^(?: {4})?(blastoseg .+?)(?:\s+#.*)?$", re.MULTILINE)


def commands_of(page: Path) -> list[list[str]]:
    lines = [found[1] for found in COMMAND_LINE.finditer(page.read_text("utf-8"))]
    return [shlex.split(line)[1:] for line in lines]


def write_day5(folder: Path) -> None:
    """Two frames of the example, old enough to be scored."""
    (folder / "E001").mkdir(parents=True)
    for frame in sorted((ROOT / "examples" / "day5" / "E001").glob("*.jpg"))[:2]:
        shutil.copyfile(frame, folder / "E001" / frame.name)
        os.utime(folder / "E001" / frame.name, (LONG_AGO, LONG_AGO))


def python_in(folder: Path, *arguments: str) -> str:
    """What Python prints, run in a folder; it must end well."""
    finished = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, f"{arguments}: {finished.stdout}{finished.stderr}"
    return finished.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page):
    named = re.findall(r"`(tests/[\w/]+\.py)`", page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_shown_exists(page):
    for arguments in commands_of(page):
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert arguments[0] in command.commands, f"{page.name}: blastoseg {arguments[0]}"
            command = command.commands[arguments.pop(0)]
        known = {name for option in command.params for name in option.opts} | {"--help"}
        assert {argument for argument in arguments if argument.startswith("-")} <= known, page.name


def test_the_exit_codes_listed_are_those_there_are():
    listed = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    there = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    there |= {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BlastosegError)
    }
    assert {int(code) for code in listed} == there | {2}


@pytest.mark.slow
def test_the_commands_of_the_readme_work_one_after_the_other(tmp_path):
    write_day5(tmp_path / "day5")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("day5"))
    shown = [line for line in commands_of(ROOT / "README.md") if "./day5" in " ".join(line)]
    assert {line[0] for line in shown} == {"run", "measure", "query", "audit", "prune"}
    for line in shown:
        python_in(tmp_path, "-m", "blastoseg", *line)


@pytest.mark.slow
def test_the_commands_of_the_page_on_exports_work_one_after_the_other(tmp_path, monkeypatch):
    """But for the training: tests/cli/test_export.py has a smaller one."""
    write_day5(tmp_path / "day5")
    monkeypatch.chdir(tmp_path)
    shown = commands_of(ROOT / "docs" / "export.md")
    assert {line[0] for line in shown} == {"run", "export", "review", "data", "train"}
    for line in shown[: [line[0] for line in shown].index("review")]:
        answer = CliRunner().invoke(app, line)
        assert answer.exit_code == 0, f"{line}: {answer.output}"


@pytest.mark.slow
def test_the_page_on_python_runs_as_one_script(tmp_path):
    """Without a guard around its top, as people write scripts. napari is a stand-in: it needs a screen."""
    write_day5(tmp_path / "day5")
    page = ROOT / "docs" / "python.md"
    for line in commands_of(page):
        python_in(tmp_path, "-m", "blastoseg", *line)
    (tmp_path / "napari.py").write_text(NAPARI)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (tmp_path / "script.py").write_text("\n".join(blocks))
    said = python_in(tmp_path, "script.py")
    assert said.count("E001/E001_RUN10_F0.jpg") == 1
    assert "elsewhere/frames.csv: there is no such table" in said
    python_in(tmp_path, "-m", "blastoseg", "measure", "E001-corrected.png")


@pytest.mark.slow
def test_the_notebook_runs_and_is_kept_without_what_it_showed(tmp_path):
    write_day5(tmp_path / "day5")
    cells = json.loads((ROOT / "examples" / "python.ipynb").read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    (tmp_path / "script.py").write_text("\n".join("".join(cell["source"]) for cell in code), "utf-8")
    said = python_in(tmp_path, "script.py")
    areas = [float(area) for area in re.findall(r"^ICM (\d+) um2", said, re.MULTILINE)]
    assert areas[1] > areas[0] > 0


@pytest.mark.slow
def test_the_report_that_is_measured_is_that_of_a_run(tmp_path):
    script = str(ROOT / "docs" / "measure_report.py")
    told = python_in(tmp_path, script, "--frames", "100", "--of-embryo", "1", ".")
    assert "ledger of 100 frames" in told and "most memory" in told
    frames, embryos = Run.open(tmp_path).frames, Run.open(tmp_path).embryos
    assert frames["embryo_id"].nunique() == frames["source"].nunique() == 100
    # Beyond the first 96 they are copies, of other patients.
    numbers = frames.select_dtypes("number")
    assert numbers.iloc[:4].equals(numbers.iloc[96:].reset_index(drop=True))
    assert embryos["patient"].nunique() == 13 and embryos["insemination_time"].nunique() == 48


def test_the_research_use_sentence_is_worded_as_the_regulation_words_it():
    assert RESEARCH_USE_ONLY == "For Research Use Only. Not for use in diagnostic procedures."
    for page in (ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "CITATION.cff"):
        assert RESEARCH_USE_ONLY in page.read_text("utf-8"), page.name
    for page in PAGES:
        text = " ".join(page.read_text("utf-8").split())
        assert not re.search(r"not for diagnostic|(?<!for )research use only", text, re.IGNORECASE), page.name


def test_no_page_gives_a_command_that_replaces_the_users_crontab():
    shown = [*PAGES, ROOT / "examples" / "crontab", *(ROOT / "blastoseg").rglob("*.py")]
    for page in shown:
        assert not re.search(r"\bcrontab +(?!-)\S*[/.]\w", page.read_text("utf-8")), page.name
