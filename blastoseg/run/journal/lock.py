"""One run at a time on an output folder, also where several machines share it.

Who holds the lock stands in a small SQLite file: its transactions make taking and taking over race-free. A
holder that was killed is known by its process being gone, where that can be seen (same boot, same process
namespace), and otherwise by its heartbeat: the file's time, as the file server tells it, stands still.
"""

import contextlib
import json
import logging
import os
import secrets
import socket
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from blastoseg.errors import LockedError, OutputError
from blastoseg.files import unfinished_beside
from blastoseg.run.journal.schema import is_refused

log = logging.getLogger(__name__)

LOCK_FILE = ".lock.sqlite"
HEARTBEAT_S = 20.0
STALE_AFTER_S = 300.0
_WAIT_FOR_OTHERS_S = 10.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. ``machine`` is empty where a process and a later one of its number look alike."""

    token: str
    host: str
    pid: int
    started: str
    machine: str
    process_start: str


class OutputLock:
    """Context manager: this process alone works on ``out``.

    Entering raises LockedError, naming host, process and start, while another run holds the folder, and
    OutputError where the folder cannot be written or keeps no locks.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / LOCK_FILE
        self._holder = _this_process()
        self._is_lost = self._is_taken = False
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="blastoseg-lock", daemon=True)

    def __enter__(self) -> Self:
        try:
            with self._transaction() as database:
                holder = _read_holder(database)
                if holder is not None and self._is_alive(holder):
                    raise LockedError(_in_words(self._out, holder))
                database.execute("DELETE FROM holder")
                database.execute("INSERT INTO holder VALUES (?)", (json.dumps(asdict(self._holder)),))
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.DatabaseError) and not is_refused(error):
                raise self._damaged(error) from error
            raise OutputError(
                f"{self._path}: cannot be written or locked ({error}): free some space, remove a damaged "
                "lock while no run works here, or choose another folder with --out"
            ) from error
        if holder is not None:
            log.warning("took over the lock of a run that was killed: %s", _in_words(self._out, holder))
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._heart.join()
        # A share that went away must not hide the error that ended the run; the heartbeat will have stopped.
        with contextlib.suppress(sqlite3.Error), self._transaction() as database:
            if _read_holder(database) == self._holder:
                database.execute("DELETE FROM holder")

    def check(self) -> None:
        """Raise LockedError if another run took the folder over, as after a long sleep of this machine.

        OutputError where the folder itself went away, which leaves nobody to hold it.
        """
        if self._is_lost and not self._is_taken:
            # Writing a picture made the folder anew, empty: nobody holds it, and nothing of ours is there.
            raise OutputError(f"{self._out}: went away while the run worked: nothing more is written")
        if self._is_lost:
            raise LockedError(
                f"{self._out}: another run took this folder over while this one stood still: "
                "nothing more is written"
            )

    def _damaged(self, what: object) -> OutputError:
        return OutputError(
            f"{self._path}: is damaged ({what}): make sure that no other run works on this folder, move the "
            "file away and run again"
        )

    def _is_alive(self, holder: Holder) -> bool:
        if holder.machine and holder.machine == self._holder.machine:
            return holder.process_start == _process_start(holder.pid)
        return self._seconds_since_heartbeat() < STALE_AFTER_S

    def _seconds_since_heartbeat(self) -> float:
        # Both times come from the file server: the clocks of two machines may differ by more than the limit.
        probe = unfinished_beside(self._out / "probe")
        probe.write_bytes(b"")
        now = probe.stat().st_mtime
        probe.unlink()
        return now - self._path.stat().st_mtime

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                with self._transaction() as database:
                    holder = _read_holder(database)
                    if holder != self._holder:
                        self._is_lost, self._is_taken = True, holder is not None
                        log.error("%s: the lock on this folder is no longer held", self._out)
                        return
                    database.execute("UPDATE heartbeat SET beats = beats + 1")
            except sqlite3.Error as error:
                log.warning("%s: no heartbeat written (%s): trying again", self._path, error)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._path, timeout=_WAIT_FOR_OTHERS_S, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE IF NOT EXISTS holder (who TEXT NOT NULL)")
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'heartbeat'").fetchone():
                database.execute("CREATE TABLE heartbeat (beats INTEGER NOT NULL)")
                database.execute("INSERT INTO heartbeat VALUES (0)")
            yield database
            database.execute("COMMIT")
        except UnicodeDecodeError as error:  # SQLite's message quotes the damaged file
            raise sqlite3.DatabaseError(f"is damaged: {error}") from error
        finally:
            database.close()


def _read_holder(database: sqlite3.Connection) -> Holder | None:
    """Raises sqlite3.DatabaseError where what stands there is no holder."""
    row = database.execute("SELECT who FROM holder").fetchone()
    try:
        return Holder(**json.loads(row[0])) if row else None
    except (ValueError, TypeError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"the name of its holder is damaged: {error}") from error


def _this_process() -> Holder:
    return Holder(
        token=secrets.token_hex(8),
        host=socket.gethostname(),
        pid=os.getpid(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=_machine(),
        process_start=_process_start(os.getpid()),
    )


def _machine() -> str:
    """This boot and process namespace (Linux); empty where they cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """When the process of this number started, in the kernel's ticks; empty where there is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The name, in parentheses, may hold spaces; the start is the 22nd field of all, the 20th after it.
    fields = state.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _in_words(out: Path, holder: Holder) -> str:
    return (
        f"{out}: another run works on this folder: host {holder.host}, process {holder.pid}, "
        f"since {holder.started}: wait for it, or choose another folder with --out"
    )
