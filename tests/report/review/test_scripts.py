"""The page's scripts are type-checked where TypeScript is installed, and share one scope without clashes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from blastoseg.report.review import page

STATIC = Path(page.__file__).parent / page.STATIC
SCRIPTS = [
    STATIC / name
    for name in re.findall(r'<script src="([\w.]+)"', (STATIC / "index.html").read_text("utf-8"))
    if name not in ("index.js", "verdicts.js", "uPlot.js")
]


def test_every_script_there_is_belongs_to_the_page():
    assert {path.name for path in STATIC.glob("*.js")} == {path.name for path in SCRIPTS} | {"uPlot.js"}
    for path in SCRIPTS:
        text = path.read_text("utf-8")
        assert text.startswith('"use strict";\n// '), path.name
        assert text.count("\n") <= 300, path.name


def test_what_is_not_ours_is_named_with_version_and_licence():
    for name in ("uPlot.js", "uPlot.css"):
        assert "uPlot 1.6.32" in (STATIC / name).read_text("utf-8").split("*/", 1)[0]
    assert "MIT License" in (STATIC / "uPlot-LICENSE.txt").read_text("utf-8")


@pytest.mark.slow
def test_the_scripts_pass_the_type_checker(tmp_path):
    checker = shutil.which("tsc")
    if checker is None:
        pytest.skip("tsc is not installed: npm install --global typescript")
    options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2022"]
    options += ["--lib", "es2022,dom,dom.iterable", "--types", ""]
    files = [Path(__file__).with_name("page.d.ts"), *SCRIPTS]
    done = subprocess.run(
        [checker, *options, *map(str, files)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
