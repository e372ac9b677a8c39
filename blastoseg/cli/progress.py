"""What a run shows: a bar on a terminal, a line every minute elsewhere; and its closing table."""

import sys
import time
from typing import TYPE_CHECKING, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from blastoseg.cli.terminal import folded
from blastoseg.errors import counted
from blastoseg.run.events import FrameScored, RunEnded, RunEvent, RunStarted, RunStopping

if TYPE_CHECKING:
    import pandas as pd

SECONDS_BETWEEN_LINES = 60.0
STATUS_STYLE = {"ok": "green", "review": "yellow", "excluded": "dim", "failed": "red"}
ROWS_SHOWN = 40


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f} frames/s" if speed else "", style="cyan")


class RunProgress:
    """Shows the events of a run. Quiet: nothing."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _FramesPerSecond(),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bar.add_task("Looking for frames", total=None)
        self._started = self._last_line = time.monotonic()
        self._done = self._total = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, event: RunEvent) -> None:
        """Show one event of ``run.pipeline.score_folder``."""
        match event:
            case RunStarted():
                self._total = event.frames
                self._started = self._last_line = time.monotonic()
                self._bar.update(self._task, description="Scoring", total=event.frames)
                self._say(event.in_words())
            case FrameScored():
                self._done += 1
                self._bar.advance(self._task)
                self._line_a_minute()
            case RunStopping():
                self._bar.update(self._task, description="Stopping")
                self._say(f"{event.reason}: writing what is finished")
            case RunEnded():
                self._bar.update(self._task, description="Done", completed=self._total)

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._console.print(folded(line, "  ", sys.stderr), highlight=False, markup=False, soft_wrap=True)

    def _line_a_minute(self) -> None:
        now = time.monotonic()
        if self._console.is_terminal or now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        rate = self._done / (now - self._started)
        left = (self._total - self._done) / rate / 60
        self._say(
            f"{self._done:,} of {counted(self._total, 'frame')}, {rate:.1f} frames/s, {left:.0f} min left"
        )


def embryo_table(embryos: "pd.DataFrame") -> Table:
    """The closing table: a line for each embryo, in um where the pixel size is known, else in px."""
    from blastoseg.report.headline import HOURS, NARROW, unit_of_length

    unit = unit_of_length(embryos)
    table = Table(
        title="Embryos (the best recent frame of each)",
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for heading in ("embryo", "hours", "status"):
        table.add_column(
            heading,
            justify="right" if heading == "hours" else "left",
            no_wrap=heading != "embryo",
            min_width=8 if heading == "embryo" else None,
            overflow="fold",
        )
    # two lines of heading leave room for the names on a narrow terminal
    for headline in NARROW:
        table.add_column(f"{headline.short}\n{headline.unit(unit)}", justify="right", no_wrap=True)
    table.add_column("flags", min_width=12)
    for row in embryos.head(ROWS_SHOWN).to_dict("records"):
        style = STATUS_STYLE.get(str(row["status"]), "")
        table.add_row(
            escape(str(row["embryo_id"])),
            HOURS.text(row["time_h"]),
            Text(str(row["status"]), style=style),
            *(headline.text(row[headline.column(unit).name]) for headline in NARROW),
            escape(str(row["flags"]).replace(";", "\n").replace("_", " ")),
        )
    if len(embryos) > ROWS_SHOWN:
        table.caption = f"and {len(embryos) - ROWS_SHOWN:,} more: see the workbook"
    return table
