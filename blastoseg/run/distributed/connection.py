"""Ray itself: loaded when it is asked for, kept quiet and to this machine, and ended again.

Between its processes Ray pickles what it hands over. That stays among processes of one user that trust each
other: a cluster lets nobody in without its token, and no file of the input is ever unpickled.
"""

import contextlib
import functools
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from blastoseg.errors import DeviceError, EnvironmentProblemError, UsageError
from blastoseg.stopping import STOP_SIGNALS

AUTO, LOCAL = "auto", "local"
LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535
ANSWER_S = 10.0
STORE_BYTES = 200_000_000
"""Ray's shared memory of a cluster on this machine: results of a few hundred frames."""
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def check_address(address: str) -> None:
    """Raise UsageError for what is no address of a cluster, DeviceError where nobody answers."""
    if address in (AUTO, LOCAL):
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise UsageError(
            f"--ray {address}: give HOST:PORT of the cluster's head, {AUTO} for the one that this machine "
            f"belongs to, or {LOCAL} for one on this machine alone"
        )
    try:
        # Ray itself would try for minutes.
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_S).close()
    except OSError as error:
        raise DeviceError(
            f"--ray {address}: nobody answers there ({error.strerror or error}): is the cluster started?"
        ) from error


@contextlib.contextmanager
def connected(address: str, processors: int) -> Iterator[Any]:
    """The module ``ray``, connected to a cluster, which is ended with the block if it was started for it.

    A cluster on this machine has as many ``processors`` at least, listens on the loopback alone, to whoever
    has the token of this process. Raises UsageError, EnvironmentProblemError without Ray, DeviceError where
    the cluster cannot be reached.
    """
    check_address(address)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(_QUIET | (_own_cluster() if address == LOCAL else {})))
        ray = _loaded()
        if ray.is_initialized():
            raise UsageError("--ray: this process is connected to Ray already: end that with ray.shutdown()")
        options: dict[str, Any] = {}
        if address == LOCAL:
            options = {
                "_temp_dir": stack.enter_context(_short_folder()),
                "num_cpus": max(os.cpu_count() or 1, processors),
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
            }
        stack.callback(ray.shutdown)
        with _signals_kept():
            try:
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
            except Exception as error:  # Ray raises that itself where a machine is too busy
                do = "run without --ray, or again" if address == LOCAL else "is the cluster in order?"
                raise DeviceError(f"--ray {address}: {_first_sentence(error)}: {do}") from error
        if address == LOCAL and {node["NodeManagerAddress"] for node in ray.nodes()} != {LOOPBACK}:
            raise EnvironmentProblemError(
                f"--ray {LOCAL}: Ray would listen beyond this machine: it was imported before: start anew"
            )
        yield ray


def _loaded() -> Any:
    try:
        import ray  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise EnvironmentProblemError(
            "--ray needs Ray, which is not installed: pip install 'blastoseg[ray]'"
        ) from error
    return ray


def _own_cluster() -> dict[str, str]:
    # The first keeps Ray to the loopback, on every system and not on those alone that it names; by the second
    # machines here have the same share of the processors as a run without Ray.
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_worker_niceness": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": _token(),
    }


@functools.cache
def _token() -> str:
    # One for the life of this process: Ray reads it once.
    return secrets.token_hex(32)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _short_folder() -> Iterator[str]:
    """A folder for Ray's logs and sockets, deleted with the block; a socket's path may have 107 letters."""
    parent = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 (mkdtemp makes it for this user alone)
    folder = tempfile.mkdtemp(prefix="blastoseg-ray-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """What this process does on signals is what it did before, and Ray's own processes do not hear them.

    A terminal and SLURM signal every process at once: the run decides when its machines end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    can_hold = hasattr(signal, "pthread_sigmask")
    # Not SIGTERM, by which Ray ends its processes.
    asking = set(STOP_SIGNALS) - {signal.SIGTERM}
    held = signal.pthread_sigmask(signal.SIG_BLOCK, asking) if can_hold else set()
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if can_hold:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _first_sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].partition(". ")[0].rstrip(".:")
