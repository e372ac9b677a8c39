"""What a run tells while it works: the pipeline yields these, a command shows them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blastoseg.errors import counted
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
    new: int
    settling: int = 0

    def in_words(self) -> str:
        known = f", {self.already_scored:,} already scored" if self.already_scored else ""
        ignored = f"; {counted(self.ignored, 'other file')} passed over" if self.ignored else ""
        settling = f"; {_still_being_written(self.settling)}" if self.settling else ""
        return (
            f"{counted(self.frames, 'frame')} of {counted(self.embryos, 'embryo')}, {self.new:,} new"
            f"{known}{ignored}{settling}; weights {self.weights} on {self.device}"
        )


@dataclass(frozen=True, slots=True)
class FrameScored:
    """One frame is done, now or in an earlier run."""

    status: Status


@dataclass(frozen=True, slots=True)
class RunStopping:
    """The run ends early: what is begun is finished, and the report written."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Everything is written. ``notes`` are what a person must know beside the report.

    ``new`` frames, or changed ones, no run had seen before; the rest are ``unchanged``. ``settling`` files
    were still being written and ``left`` frames not reached when the run was ``stopped``: both wait for the
    next run.
    """

    out: Path
    embryos: "pd.DataFrame"
    counts: dict[str, int]
    exit_code: int
    notes: tuple[str, ...] = ()
    settling: int = 0
    left: int = 0
    stopped: str = ""
    new: int = 0

    @property
    def unchanged(self) -> int:
        """Frames of the report that an earlier run had seen as they are."""
        return sum(self.counts.values()) - self.new

    @property
    def is_nothing_new(self) -> bool:
        """Whether the incubator was silent; a file that is still being written is a sign of life."""
        return not (self.new or self.settling or self.stopped)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the ledger's history and for JSON."""
        return {
            "embryos": len(self.embryos),
            "frames": sum(self.counts.values()),
            "counts": self.counts,
            "frames_new": self.new,
            "frames_unchanged": self.unchanged,
            "files_still_being_written": self.settling,
            "frames_left": self.left,
            "stopped": self.stopped,
            "notes": list(self.notes),
            "exit_code": self.exit_code,
        }

    def last_line(self) -> str:
        """One line for the morning mail."""
        frames = sum(self.counts.values())
        statuses = ", ".join(f"{self.counts[status]:,} {status}" for status in Status)
        left = f"; {self.new:,} new, {self.unchanged:,} unchanged"
        left += ": nothing new since the runs before" if self.is_nothing_new else ""
        left += f"; {_still_being_written(self.settling)}" if self.settling else ""
        if self.stopped:
            left += f"; {self.stopped}: {counted(self.left, 'frame')} left for the next run"
        scored = f"{counted(len(self.embryos), 'embryo')}, {counted(frames, 'frame')}"
        return f"{scored}: {statuses}{left} (exit {self.exit_code})"


def _still_being_written(files: int) -> str:
    return f"{counted(files, 'file')} still being written: left for the next run"


RunEvent = RunStarted | FrameScored | RunStopping | RunEnded
