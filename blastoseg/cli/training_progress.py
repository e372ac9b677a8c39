"""What a training shows: a bar on a terminal, elsewhere a line a validation and at least one a minute."""

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

if TYPE_CHECKING:
    from blastoseg.training.state import TrainingState

SECONDS_BETWEEN_LINES = 60.0


class TrainingProgress:
    """Shows how far a training is. Quiet: nothing."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, visible=False)
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, text: str) -> None:
        """Say what is done next."""
        self._bar.update(self._task, visible=False)
        self._say(text)

    def show(self, state: "TrainingState") -> None:
        """Show a training after a step."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=state.share, description=state.in_words(), visible=True)
        elif state.is_validated or time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._say(state.in_words())

    def _say(self, line: str) -> None:
        self._last_line = time.monotonic()
        if not self._quiet:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
