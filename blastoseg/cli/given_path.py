"""Paths on the command line: an empty one, as an unset variable of a shell leaves it, is no path."""

from pathlib import Path
from typing import Any

import typer


def given_path(text: str) -> Path:
    """The path of an argument or option; a usage error where it is empty, which would mean this folder."""
    if not text:
        raise typer.BadParameter("is empty: name a path, or . for the working directory")
    return Path(text)


def out_option(help_text: str, show_default: bool | str = True) -> Any:
    """``--out`` of a command, also ``-o``: a path that is not empty."""
    return typer.Option(
        "--out", "-o", parser=given_path, metavar="PATH", help=help_text, show_default=show_default
    )
