"""The process that opens the hostile files, with the memory limit of the readers; told by ``fuzz.py``."""

import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from blastoseg.sources.isolated import memory_limited

from .doors import DOORS, Door
from .exploring import Explorer
from .fuzz import CURRENT, hostile_file, kept_as


def opened(door: Door, data: bytes, suffix: str, folder: Path) -> str:
    """Open bytes as a file alone in ``folder``; empty where all is well, else what is wrong."""
    path = folder / (door.name or f"hostile{suffix}")
    path.write_bytes(data)
    try:
        door.open(path)
    except door.may_raise as error:
        # Tables of hours are named by whoever asks for them; of a data set the folder may be at fault.
        names_it = isinstance(error, ValueError) or path.name in str(error) or str(folder) in str(error)
        return "" if names_it and str(error).strip() else f"does not name its file: {error!r}"
    except Exception:
        return traceback.format_exc()
    return ""


def _peak_bytes() -> int:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Arguments: first seed, last seed, the folder of findings or nothing, doors. Two lines of JSON a file.

    With a folder, files lead on to others (``Explorer``), and each lies there while it is opened.
    """
    seed, last, keep, *doors = sys.argv[1:]
    logging.disable()
    warnings.simplefilter("ignore")
    scratch = Path(tempfile.mkdtemp(prefix="blastoseg-hostile-"))
    try:
        with memory_limited():
            _open_all(range(int(seed), int(last)), doors, keep, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _open_all(numbers: range, doors: list[str], keep: str, scratch: Path) -> None:
    explorer = Explorer() if keep else None
    for number in numbers:
        door = doors[number % len(doors)]
        data, suffix = explorer.file(door, number) if explorer else hostile_file(door, number)
        if keep:
            Path(keep, CURRENT).write_bytes(data)
        print(json.dumps({"door": door, "seed": number}), flush=True)
        folder = scratch / "one"
        folder.mkdir()
        before = time.process_time()
        with explorer.watching(door, data, suffix) if explorer else contextlib.nullcontext():
            finding = opened(DOORS[door], data, suffix, folder)
        if keep and finding:
            Path(keep, kept_as(door, number)).write_bytes(data)
        told = {"seconds": time.process_time() - before, "peak": _peak_bytes(), "finding": finding}
        if explorer:
            told |= {"lines": explorer.lines, "kept": explorer.kept}
        print(json.dumps({"door": door, "seed": number, **told}), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
    os._exit(0)
