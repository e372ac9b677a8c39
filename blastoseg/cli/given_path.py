"""Paths on the command line: an empty one, as an unset variable of a shell leaves it, is no path."""

from pathlib import Path

import typer


def given_path(text: str) -> Path:
    """The path of an argument or option; a usage error where it is empty, which would mean this folder."""
    if not text:
        raise typer.BadParameter("is empty: name a path, or . for the working directory")
    return Path(text)
