"""``--workers`` of the commands that score frames."""

from typing import Annotated

import typer

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=64,
        help="Processes that read and measure.",
        show_default="one for every two cores, 2 to 8",
    ),
]
