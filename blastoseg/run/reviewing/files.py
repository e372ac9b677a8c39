"""Which files the server gives out: the page's own from this package, its data from OUT, and overlays.

Nothing is listed, and no script of OUT is run: data are read as data, and written out anew.
"""

import json
import re
from importlib.resources import files
from pathlib import Path

from blastoseg.report.review.page import FOLDER, STATIC
from blastoseg.report.review.script import to_script
from blastoseg.run.outputs import CORRECTIONS

_SCRIPT_TYPE = "text/javascript; charset=utf-8"
TYPES = {
    **{".html": "text/html; charset=utf-8", ".js": _SCRIPT_TYPE, ".css": "text/css; charset=utf-8"},
    **{".txt": "text/plain; charset=utf-8", ".webp": "image/webp", ".jpg": "image/jpeg"},
}
MOST_BYTES = 256 * 2**20
_OWN = re.compile(rf"{FOLDER}/([A-Za-z][A-Za-z-]*\.(html|js|css|txt))")
_DATA = re.compile(rf"{FOLDER}/(index|verdicts|data/[0-9a-f]{{16}})\.js")
_PICTURE = re.compile(
    rf"{FOLDER}/(film/[0-9a-f]{{16}}-\d{{1,6}}|still/[0-9a-f]{{16}})\.webp"
    rf"|(overlays|{CORRECTIONS})/[^/\\\0]+/[^/\\\0]+\.jpg"
)
_CALL = re.compile(r"blastoseg\.(index|verdicts|embryo)\((.*)\);\n", re.DOTALL)

ServedFile = tuple[bytes, str]
"""Content and type."""


def served_file(out: Path, path: str) -> ServedFile | None:
    """A file of the report in ``out``, by its path with ``/`` between; None for any other."""
    if _DATA.fullmatch(path):
        content = _own_content(out, path)
        script = None if content is None else _as_data(content)
        return None if script is None else (script, _SCRIPT_TYPE)
    if own := _OWN.fullmatch(path):
        file = files("blastoseg.report.review") / STATIC / own[1]
        return (file.read_bytes(), TYPES[Path(path).suffix]) if file.is_file() else None
    if _PICTURE.fullmatch(path) and ".." not in path.split("/"):
        content = _own_content(out, path)
        return None if content is None else (content, TYPES[Path(path).suffix])
    return None


def entrance(name: str) -> ServedFile:
    """A file of the page behind the address, which changes the token for the cookie."""
    return (files("blastoseg.run.reviewing") / "entrance" / name).read_bytes(), TYPES[Path(name).suffix]


def _own_content(out: Path, path: str) -> bytes | None:
    place = out.resolve() / path
    try:
        # No link leads out of OUT, nor to a file that is not meant.
        if place.resolve() != place or not place.is_file() or place.stat().st_size > MOST_BYTES:
            return None
        return place.read_bytes()
    except (OSError, ValueError):
        return None


def _as_data(content: bytes) -> bytes | None:
    """A data file as the page's own program writes it; None for one that is more than data."""
    try:
        call = _CALL.fullmatch(content.decode("ascii"))
        return None if call is None else to_script(call[1], *json.loads(f"[{call[2]}]"))
    except (ValueError, RecursionError):
        return None
