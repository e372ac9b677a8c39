"""``OUT/run.log``, the log of the newest run, and ``OUT/logs/``, those of the runs before it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from blastoseg.errors import OutputError, without_texts

LOG_FILE = "run.log"
LOG_FOLDER = "logs"
MOST_LOGS = 60
"""Earlier runs whose logs are kept: two months of nights."""

_FORMAT = "%(asctime)sZ %(levelname)s %(message)s"


@contextmanager
def run_log(
    out: Path, level: int = logging.INFO, shown_as: Callable[[str], str] = str, is_discreet: bool = False
) -> Iterator[None]:
    """Write what blastoseg logs to ``run.log``, times in UTC, while the block lasts.

    The log of the run before goes to ``logs/`` under the time of its last line; the oldest are deleted beyond
    ``MOST_LOGS``. ``shown_as`` is applied to every line. ``is_discreet``:
    tracebacks say where an error came from, not its text. Raises OutputError where the file
    cannot be opened; a disk that fills up later costs log lines, never the run.
    """
    path = out / LOG_FILE
    _put_away(path, out / LOG_FOLDER)
    try:
        handler = _Handler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}): check rights and space") from error
    handler.setFormatter(_Formatter(shown_as))
    handler.setLevel(level)
    # Also what --verbose prints.
    discreet = [handler, *logging.getLogger().handlers] if is_discreet else []
    for one in discreet:
        one.addFilter(_without_error_texts)
    log = logging.getLogger("blastoseg")
    level_before = log.level
    log.addHandler(handler)
    log.setLevel(min(level, level_before or level))
    try:
        yield
    finally:
        log.setLevel(level_before)
        log.removeHandler(handler)
        for one in discreet:
            one.removeFilter(_without_error_texts)
        with suppress(OSError):
            handler.close()


def _without_error_texts(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1]:
        record.exc_text, record.exc_info = without_texts(record.exc_info[1]), None
    return True


class _Handler(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Nothing: what fills the disk is told by the run itself, and stderr is for its message."""


class _Formatter(logging.Formatter):
    """One line a message: a line break in a file's name must not look like a message of its own."""

    def __init__(self, shown_as: Callable[[str], str]) -> None:
        super().__init__(_FORMAT, "%Y-%m-%dT%H:%M:%S")
        self._shown_as = shown_as
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        text = super().formatMessage(record)
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)

    def format(self, record: logging.LogRecord) -> str:
        return self._shown_as(super().format(record))


def _put_away(path: Path, folder: Path) -> None:
    # A log that cannot be moved (open in a viewer, on Windows) is continued instead.
    with suppress(OSError):
        last_line = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        folder.mkdir(exist_ok=True)
        stem, number = f"{last_line:%Y%m%dT%H%M%SZ}", 1
        target = folder / f"{stem}.log"
        while target.exists():
            number += 1
            target = folder / f"{stem}-{number}.log"
        path.replace(target)
        kept = sorted(folder.glob("*.log"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        for file in kept[:-MOST_LOGS]:
            file.unlink()
