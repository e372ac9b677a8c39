"""What a run tells while it works: the pipeline yields these, a command shows them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blastoseg.records import Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The frames are found, the network is loaded."""

    frames: int
    embryos: int
    already_scored: int
    ignored: int
    device: str
    weights: str

    def in_words(self) -> str:
        known = f", {self.already_scored:,} already scored" if self.already_scored else ""
        ignored = f"; {self.ignored:,} files are no images" if self.ignored else ""
        return (
            f"{self.frames:,} frames of {self.embryos:,} embryos{known}{ignored}; "
            f"weights {self.weights} on {self.device}"
        )


@dataclass(frozen=True, slots=True)
class FrameScored:
    """One frame is done, now or in an earlier run."""

    status: Status


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Everything is written. ``notes`` are what a person must know beside the report."""

    out: Path
    embryos: "pd.DataFrame"
    counts: dict[str, int]
    exit_code: int
    notes: tuple[str, ...] = ()

    def last_line(self) -> str:
        """One line for the morning mail."""
        frames = sum(self.counts.values())
        statuses = ", ".join(f"{self.counts[status]:,} {status}" for status in Status)
        return f"{len(self.embryos):,} embryos, {frames:,} frames: {statuses} (exit {self.exit_code})"


RunEvent = RunStarted | FrameScored | RunEnded
