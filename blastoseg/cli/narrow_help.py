"""Help for a terminal of few columns: no boxes, and the names of options on lines of their own."""

from typing import Any

SHARE_OF_NAMES = 4
"""One part in so many of the width is for names; what they leave is for what they mean."""


def fit_to(command: Any, columns: int) -> dict[str, int]:
    """Let a command, and those in it, write help of so many columns; returns what its call must be told."""
    command.context_class = _narrow(command.context_class)
    for inner in getattr(command, "commands", {}).values():
        fit_to(inner, columns)
    return {"terminal_width": columns}


def _narrow(context: type) -> type:
    # Typer carries its own Click: the classes to build on are those that the command has.
    def write_dl(self: Any, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        usual.write_dl(self, rows, min(col_max, self.width // SHARE_OF_NAMES), col_spacing)

    usual: Any = context.formatter_class  # type: ignore[attr-defined]
    formatter = type("NarrowFormatter", (usual,), {"write_dl": write_dl})
    return type("NarrowContext", (context,), {"formatter_class": formatter})
