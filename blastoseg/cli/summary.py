"""``--summary-json``: how a run ended, for the programs that watch it; written also where it failed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blastoseg.errors import EXIT_INTERRUPTED, BlastosegError, OutputError

if TYPE_CHECKING:
    from blastoseg.run.events import RunEnded


@dataclass(slots=True)
class RunSummary:
    """What is known of a run; ``ended`` stays None where it failed."""

    ended: "RunEnded | None" = None


@contextmanager
def summary_of_run(path: Path | None) -> Iterator[RunSummary]:
    """Write ``path``, if any, when the block ends, whole or not at all; the block sets ``ended``.

    Raises OutputError where it cannot be written.
    """
    summary, started = RunSummary(), datetime.now(UTC)
    outcome: dict[str, Any] = {}
    try:
        yield summary
        if summary.ended is not None:
            outcome = summary.ended.as_dict() | {"last_line": summary.ended.last_line(), "error": ""}
    except BlastosegError as error:
        outcome = {"exit_code": error.exit_code, "error": str(error)}
        raise
    except KeyboardInterrupt:
        outcome = {"exit_code": EXIT_INTERRUPTED, "error": "interrupted"}
        raise
    except Exception as error:
        outcome = {"exit_code": BlastosegError.exit_code, "error": f"{type(error).__name__}: {error}"}
        raise
    finally:
        if path is not None:
            _write(path, outcome | {"started_utc": _utc(started), "ended_utc": _utc(datetime.now(UTC))})


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(path: Path, content: dict[str, Any]) -> None:
    from blastoseg.files import replace_atomically

    try:
        with replace_atomically(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"--summary-json {path}: cannot be written ({error.strerror})") from error
