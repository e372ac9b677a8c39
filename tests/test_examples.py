"""What lies in examples/ works as it stands."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.settings import load_settings

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_the_settings_file_is_valid_and_says_what_it_means() -> None:
    settings = load_settings(EXAMPLES / "blastoseg.toml")
    assert settings.pixel_size.um_per_px == 0.335
    assert settings.naming == type(settings.naming)(), "the patterns shown are the defaults"
    assert settings.quality == type(settings.quality)(), "the thresholds shown are the defaults"
    assert settings.summary == type(settings.summary)(), "the order shown is the default"
    assert settings.grades.model_fields_set == set(type(settings.grades).model_fields)
    assert settings.grades == type(settings.grades)(), "the cut-offs shown are the defaults"


@pytest.mark.slow
def test_the_example_folder_is_what_its_readme_draws(tmp_path: Path) -> None:
    line = next(
        line for line in (EXAMPLES / "day5/README.md").read_text("utf-8").splitlines() if " simulate " in line
    )
    _, _, folder, *options = shlex.split(line)
    drawn = tmp_path / folder
    result = CliRunner().invoke(app, ["simulate", str(drawn), *options])
    assert result.exit_code == 0, result.output
    files = sorted(path.relative_to(drawn) for path in drawn.rglob("*") if path.is_file())
    shipped = sorted(path.relative_to(EXAMPLES / "day5") for path in (EXAMPLES / "day5").rglob("*_*.*"))
    assert files == shipped
    for name in files[::7]:  # pixels: another JPEG library writes other bytes
        one, other = (
            cv2.imread(str(root / name), cv2.IMREAD_GRAYSCALE) for root in (drawn, EXAMPLES / "day5")
        )
        assert one is None or np.abs(one.astype(int) - other).mean() < 0.5, name


def _arguments_of_run(line: str) -> list[str]:
    return shlex.split(line.partition(" run ")[2])


def _scheduled() -> dict[str, str]:
    crontab = (EXAMPLES / "crontab").read_text("utf-8")
    service = (EXAMPLES / "systemd" / "blastoseg.service").read_text("utf-8")
    task = ElementTree.parse(EXAMPLES / "windows-task.xml").getroot()
    arguments = task.findtext(f"{TASK}Actions/{TASK}Exec/{TASK}Arguments") or ""
    return {
        "crontab": next(line for line in crontab.splitlines() if re.match(r"[\d*]", line)),
        "systemd": next(line for line in service.splitlines() if line.startswith("ExecStart=")),
        "windows": "blastoseg.exe " + arguments.replace("\\", "/"),
    }


@pytest.mark.parametrize("scheduler", ["crontab", "systemd", "windows"])
def test_a_scheduled_command_uses_options_that_exist(scheduler: str) -> None:
    arguments = _arguments_of_run(_scheduled()[scheduler])
    run = typer.main.get_command(app).commands["run"]
    known = {name for option in run.params for name in option.opts}
    assert {argument for argument in arguments if argument.startswith("-")} <= known
    assert {"--out", "--settings", "--quiet"} <= set(arguments)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_accepts_the_service_and_its_timer(tmp_path: Path) -> None:
    for unit in (EXAMPLES / "systemd").iterdir():
        text = unit.read_text("utf-8").replace("/opt/blastoseg/bin/blastoseg", "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "blastoseg" not in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 0), (8, 8)])
def test_a_slurm_task_scores_its_part_and_some_failed_frames_are_no_failed_task(
    tmp_path: Path, code: int, expected: int
) -> None:
    command = tmp_path / "blastoseg"
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@"\nexit {code}\n')
    command.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "SLURM_ARRAY_TASK_ID": "2",
        "SLURM_ARRAY_TASK_COUNT": "8",
    }
    scripts = {"score": ["/a day5", "/r"], "merge": ["/r"]}
    said = {
        name: subprocess.run(
            ["bash", EXAMPLES / "slurm" / f"{name}.sh", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        for name, arguments in scripts.items()
    }
    assert said["score"].returncode == expected, said["score"].stderr
    _, *arguments = said["score"].stdout.splitlines()
    assert arguments == ["/a day5", "--out", "/r/parts/2", "--part", "2/8", "--settle", "0", "--quiet"]
    assert said["merge"].stdout.split() == ["merge", "/r/whole", "/r/parts/*"]
    known = {name for option in typer.main.get_command(app).commands["run"].params for name in option.opts}
    assert {one for one in arguments if one.startswith("-")} <= known
