"""Output that nobody reads, into a closed pipe or onto a full disk, ends no command that writes files."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class _Patient:
    """A text stream that throws away what cannot be written, from the first error on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except OSError:
            self._give_up()
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        # What stands in the buffer must go somewhere, or it fails again when the process ends.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
            self._stream.flush()


def keep_messages_harmless() -> None:
    """Let standard error go unread, whatever the command: its exit code tells how it ended."""
    _occupy_closed_streams()
    sys.stderr = _patient(sys.stderr)


@contextmanager
def output_may_go_unread() -> Iterator[None]:
    """For a command that writes files: what it prints beside them may be lost."""
    before = sys.stdout
    sys.stdout = _patient(before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout = before


def _patient(stream: Any) -> Any:
    with suppress(AttributeError, ValueError):
        # A terminal, or a Windows pipe, that lacks a letter of an embryo's name.
        stream.reconfigure(errors="backslashreplace")
    return _Patient(stream)


def _occupy_closed_streams() -> None:
    """Hold the numbers of streams that a caller closed: or files opened next would be printed into."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Left open until the process ends, as any standard stream.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
