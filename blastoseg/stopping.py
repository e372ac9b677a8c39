"""What ends a run or a training early and in good order: a signal, or an input that is no longer there."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from blastoseg.errors import EXIT_INTERRUPTED

# Windows has no SIGTERM worth the name: its consoles and services send SIGBREAK. SIGUSR1 is what SLURM is
# commonly asked to send before the time is up. SIGHUP comes when the terminal is closed.
STOP_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGUSR1", "SIGHUP")
    if hasattr(signal, name)
]


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
def stopping_on_signals(stop: StopRequest) -> Iterator[Callable[[], None]]:
    """Turn the signals that ask to stop into ``stop`` while the block lasts; a second Ctrl-C interrupts it.

    The other signals come twice without anybody's haste: a shell and the system both say that the terminal
    is closed, and a service manager has more than one signal to send. Gives a function that takes the signals
    again where a library has taken them meanwhile. Does nothing in a thread other than the main one, where
    signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask(f"stopped by {signal.Signals(number).name}", EXIT_INTERRUPTED)

    def take() -> None:
        for number in asking:
            signal.signal(number, handle)

    asking = _asking_signals()
    before = {number: signal.getsignal(number) for number in asking}
    take()
    try:
        yield take
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt_on_signals() -> None:
    """Let every signal that asks to stop do what Ctrl-C does: raise a KeyboardInterrupt."""
    for number in _asking_signals():
        signal.signal(number, signal.default_int_handler)


def _asking_signals() -> list[int]:
    """The signals that ask this process to stop: not SIGHUP under ``nohup``, which has it ignored."""
    hang_up = getattr(signal, "SIGHUP", None)
    is_kept_alive = hang_up is not None and signal.getsignal(hang_up) == signal.SIG_IGN
    return [number for number in STOP_SIGNALS if number != hang_up or not is_kept_alive]


def ignore_stop_signals() -> None:
    """For a process that works for another: its parent decides when to stop.

    A terminal, a service manager and SLURM signal every process at once.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def told_how_to_go_on(advice: str) -> Iterator[None]:
    """Let an interruption of the block say what to do, where it does not know better."""
    try:
        yield
    except KeyboardInterrupt as error:
        if error.args:
            raise
        raise KeyboardInterrupt(advice) from error
