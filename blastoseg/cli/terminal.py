"""What a terminal can show: without colours, without control characters, and in few columns as well."""

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NARROW = 72
"""Columns of a terminal below which a table would cut its cells: its rows become lists."""


def obey_terminal() -> None:
    """Let NO_COLOR and TERM=dumb mean plain text: no styles, no moving cursor, whatever writes it."""
    if os.environ.get("NO_COLOR") or is_dumb():
        # Both are read by rich, for every console of this process, also those that Typer makes.
        os.environ["TTY_COMPATIBLE"] = "0"
        os.environ.pop("FORCE_COLOR", None)


def is_dumb() -> bool:
    """Whether the terminal says that it can show nothing but text."""
    return os.environ.get("TERM", "").lower() in {"dumb", "unknown"}


def columns() -> int:
    """Width of the terminal, 80 where there is none."""
    return shutil.get_terminal_size().columns


def folded(text: str, indent: str = "", stream: TextIO | None = None) -> str:
    """Lines that fit the terminal, broken between words; ``text`` itself where ``stream`` is no terminal.

    What a program reads, such as a file or a mail, keeps one line for one thing. ``stream`` is standard
    output where it is not given; lines after the first begin with ``indent``.
    """
    if not (stream or sys.stdout).isatty():
        return text
    wrapper = textwrap.TextWrapper(
        columns(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapper.fill(line) for line in text.split("\n"))


def show_table(console: "Console", table: "Table") -> None:
    """Print a table; on a narrow terminal each row as a list of its headings and cells."""
    if console.width >= NARROW:
        console.print(table)
        return
    from rich.text import Text

    def as_text(cell: object) -> Text:
        text = cell.copy() if isinstance(cell, Text) else Text.from_markup(str(cell))
        return Text(", ").join(text.split("\n"))

    if table.title:
        console.print(Text(str(table.title), "bold"))
    headings = [str(column.header).replace("\n", " ") for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        first, *others = map(as_text, cells)
        console.print(first, soft_wrap=True)
        for heading, cell in zip(headings[1:], others, strict=True):
            if cell.plain not in {"", "-"}:
                console.print(Text(f"  {heading}: "), cell, sep="", soft_wrap=True)
    if table.caption:
        console.print(str(table.caption), style="dim", markup=False)
