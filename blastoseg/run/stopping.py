"""What ends a run early and in good order: a signal, or an input that is no longer there."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from blastoseg.errors import EXIT_INTERRUPTED

# Windows has no SIGTERM worth the name: its consoles and services send SIGBREAK.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


class StopRequest:
    """Asks a run to finish what it has begun and to write its report. The first reason given stands."""

    def __init__(self) -> None:
        self._asked: tuple[str, int] | None = None

    def ask(self, reason: str, exit_code: int) -> None:
        """Ask from any thread, or from a signal handler: nothing here can block."""
        if self._asked is None:
            self._asked = reason, exit_code

    @property
    def reason(self) -> str:
        """Why, in words; empty while nobody asked."""
        return self._asked[0] if self._asked else ""

    @property
    def exit_code(self) -> int:
        """What the run ends with; 0 while nobody asked."""
        return self._asked[1] if self._asked else 0

    def __bool__(self) -> bool:
        return self._asked is not None


@contextmanager
def stopping_on_signals(stop: StopRequest) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into ``stop`` while the block lasts; a second one is a KeyboardInterrupt.

    Does nothing in a thread other than the main one, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop:
            raise KeyboardInterrupt
        stop.ask(f"stopped by {signal.Signals(number).name}", EXIT_INTERRUPTED)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
