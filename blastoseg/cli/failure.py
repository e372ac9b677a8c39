"""What a user sees when a command cannot go on: what is wrong and what to do, and no traceback."""

import os
import sys
import tempfile
import traceback
from pathlib import Path

from blastoseg.cli.terminal import folded
from blastoseg.errors import EXIT_INTERRUPTED, BlastosegError, EnvironmentProblemError, UsageError

DEBUG_VARIABLE = "BLASTOSEG_DEBUG"
"""Environment variable: when set, tracebacks are shown."""


def check_surroundings() -> None:
    """Raise what makes every command fail in ways that no message would explain."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            f"the working directory cannot be used ({error.strerror}): change to a folder that exists"
        ) from error
    if sys.flags.optimize > 1:
        raise EnvironmentProblemError(
            "Python runs without docstrings, which scikit-image needs: "
            "unset PYTHONOPTIMIZE, or leave out the option -OO"
        )


def exit_code_of(error: BaseException) -> int | None:
    """Say on stderr what ``error`` means; returns its exit code, None for an error that nobody foresaw."""
    if isinstance(error, KeyboardInterrupt):
        _say("Interrupted", str(error) or "what was finished before is kept")
        return EXIT_INTERRUPTED
    if isinstance(error, ImportError):
        error = explain_import_error(error) or error
    if not isinstance(error, BlastosegError):
        return None
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    _say("Error", str(error))
    return error.exit_code


def explain_import_error(error: ImportError) -> EnvironmentProblemError | None:
    """What to install, where importing OpenCV failed; None for any other import."""
    modules = {frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)}
    if error.name != "cv2" and not any(name.partition(".")[0] == "cv2" for name in modules):
        return None
    if isinstance(error, ModuleNotFoundError) and error.name == "cv2":
        problem = EnvironmentProblemError("OpenCV is not installed: pip install opencv-python-headless")
    else:
        problem = EnvironmentProblemError(
            f"OpenCV cannot be loaded ({error}): install the system libraries it needs (Debian, Ubuntu: "
            "apt-get install libgl1 libglib2.0-0; Fedora, RHEL: dnf install mesa-libGL glib2), or the build "
            "that needs none: pip uninstall opencv-python, then pip install opencv-python-headless"
        )
    problem.__cause__ = error
    return problem


def log_crash(error: Exception) -> int:
    """Keep the traceback of an error that nobody foresaw in a file, and say where; returns the exit code."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    with tempfile.NamedTemporaryFile(
        "w", prefix="blastoseg-crash-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
    ) as file:
        file.write(" ".join(sys.argv) + "\n")
        traceback.print_exception(error, file=file)
    _say(
        "Unexpected error",
        f"{type(error).__name__}: {error}. The traceback is in {file.name}: please report it with "
        "the run.log; blastoseg -v ... shows it here",
    )
    return BlastosegError.exit_code


def _say(heading: str, message: str) -> None:
    # Imported late: most commands end well. The message may hold file names: it is never markup.
    from rich.console import Console
    from rich.text import Text

    text = Text(folded(f"{heading}: {message}", "  ", sys.stderr), "red")
    text.stylize("bold", 0, len(heading) + 1)
    Console(stderr=True).print(text, soft_wrap=True)
