"""Tables in Markdown."""

from collections.abc import Iterable


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with a head; a bar within a cell, which would part it, is written as a slash."""
    names = list(header)
    cells = ([str(cell).replace("|", "/") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in (names, ["---"] * len(names), *cells))
