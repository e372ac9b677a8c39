"""``blastoseg simulate`` writes what it says, and says what is wrong."""

from pathlib import Path

import cv2
import pytest
import typer
from typer.testing import CliRunner

from blastoseg.cli.simulate import simulate
from blastoseg.errors import UsageError

pytestmark = pytest.mark.slow

SMALL = ["--embryos", "2", "--size", "96", "--seed", "5"]


def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(simulate)
    return app


def test_images_only_leaves_nothing_but_images(tmp_path: Path) -> None:
    out = tmp_path / "day5"
    result = CliRunner().invoke(command(), [str(out), *SMALL, "--frames", "2", "--images-only"])
    assert result.exit_code == 0, result.output
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files == [
        "E001/E001_RUN1_F0.jpg",
        "E001/E001_RUN2_F0.jpg",
        "E002/E002_RUN1_F0.jpg",
        "E002/E002_RUN2_F0.jpg",
    ]


def test_the_contact_sheet_shows_real_frames_before_the_drawn_ones(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    cv2.imwrite(str(real / "a.png"), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (50, 50)) * 200)
    sheet = tmp_path / "sheet.png"
    options = ["--contact-sheet", str(sheet), "--beside", str(real)]
    result = CliRunner().invoke(command(), [str(tmp_path / "out"), *SMALL, *options])
    assert result.exit_code == 0, result.output
    assert cv2.imread(str(sheet), cv2.IMREAD_GRAYSCALE).shape == (256, 6 * 256)


@pytest.mark.parametrize(
    ("options", "choices"), [(["--kind", "film"], "timelapse"), (["--preset", "confocal"], "hoffman")]
)
def test_a_wrong_name_is_answered_with_the_choices(tmp_path: Path, options: list[str], choices: str) -> None:
    result = CliRunner().invoke(command(), [str(tmp_path / "out"), *options])
    assert isinstance(result.exception, UsageError)
    assert choices in str(result.exception)
    assert not (tmp_path / "out").exists()
