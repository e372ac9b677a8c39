"""What messages say: the errors a user can meet, each with its exit code, and how things are counted.

A message names the file, says what is wrong and what to do. The exit codes are part of the command's
interface: they are listed by ``blastoseg --help`` and in the README, and never change their meaning.
"""

import traceback
from collections.abc import Sequence
from typing import ClassVar

NAMED = 5
"""Names that a message gives; of more it tells the number."""


class BlastosegError(Exception):
    """Base of every error whose message is meant for the user: shown without a traceback."""

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "an internal error: please report it with the run.log"


class UsageError(BlastosegError):
    """An option or argument makes no sense."""

    exit_code = 2
    meaning = "the command line is wrong"


class InputNotFoundError(BlastosegError):
    """A path does not exist, or holds nothing that can be scored."""

    exit_code = 4
    meaning = "the input is missing, or holds no frames"


class SettingsError(BlastosegError):
    """The settings file, or that of ``--grades``, cannot be read, or holds an impossible value."""

    exit_code = 5
    meaning = "the settings file, or that of --grades, is wrong"


class WeightsError(BlastosegError):
    """Weights are unknown, damaged, or do not fit the network they name."""

    exit_code = 6
    meaning = "the weights are unknown or damaged"


class DeviceError(BlastosegError):
    """The device asked for is missing or unusable."""

    exit_code = 7
    meaning = "the device asked for is missing"


class OutputError(BlastosegError):
    """The output folder cannot be written."""

    exit_code = 8
    meaning = "the output folder cannot be written"


class LockedError(BlastosegError):
    """Another run works on the same output folder."""

    exit_code = 9
    meaning = "another run works on the same output folder"


class EnvironmentProblemError(BlastosegError):
    """The installation lacks something, such as libGL."""

    exit_code = 10
    meaning = "the installation is incomplete"


class DataError(BlastosegError):
    """A labelled data set, or a lab's grades, cannot be used as they are."""

    exit_code = 11
    meaning = "the labelled data, or the grades, cannot be used as they are"


class TrainingError(BlastosegError):
    """Training stopped: memory, a loss that is not a number, a full disk."""

    exit_code = 12
    meaning = "the training stopped early; the last good checkpoint is kept"


class NetworkFailedError(TrainingError):
    """The network itself cannot be trained so: it diverged, or memory is too small for it."""


class CollapseError(BlastosegError):
    """Training with unlabelled frames went astray: the labels that it gives them lost a tissue."""

    exit_code = 15
    meaning = "the training with unlabelled frames went astray; no weights were written"


class UnreadableFrameError(BlastosegError):
    """One frame cannot be read. Never ends a run: it becomes the reason of a ``failed`` row."""


EXIT_OK = 0
EXIT_FRAMES_FAILED = 3
EXIT_NOTHING_NEW = 13
EXIT_NOTHING_MEASURED = 14
EXIT_INTERRUPTED = 130


def exit_codes() -> dict[int, str]:
    """Every exit code with its meaning, in numerical order."""
    codes = {
        EXIT_OK: "every frame was processed (some may be marked for review or excluded)",
        EXIT_FRAMES_FAILED: "the report, or the export, is complete, but some frames failed: they are named",
        EXIT_NOTHING_NEW: "the report is complete, but no frame is new (with --warn-if-nothing-new)",
        EXIT_NOTHING_MEASURED: "the report is complete, but nothing was measured, which earlier runs did",
        EXIT_INTERRUPTED: "interrupted: what was finished is in the report, or in the last checkpoint",
    }
    kinds: list[type[BlastosegError]] = [BlastosegError, *BlastosegError.__subclasses__()]
    for error in kinds:
        if error is not UnreadableFrameError:
            codes[error.exit_code] = error.meaning
    return dict(sorted(codes.items()))


def without_texts(error: BaseException) -> str:
    """Where an error came from, and its kind: not its text, which may hold a name that must not be seen."""
    return "".join([*traceback.format_tb(error.__traceback__), type(error).__name__])


def counted(count: int, noun: str) -> str:
    """A number with its noun, given in the singular: "1 embryo", "1,204 frames".

    "embryo or patient" takes an s on either.
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} " + " or ".join(f"{word}s" for word in noun.split(" or "))


def some_of(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are: no message grows with the input."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
