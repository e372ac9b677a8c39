"""Data as script files: pages opened from a disk may load scripts, and nothing else that carries data."""

import json
from typing import Any

_IN_SCRIPTS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"}
"""So that no text from outside can end a script, were it ever put into a page."""


def to_script(function: str, *values: Any) -> bytes:
    """A call of one of the page's functions with plain values, in ASCII.

    The same values give the same bytes. ValueError for a number that JSON does not have.
    """
    texts = (
        json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_IN_SCRIPTS)
        for value in values
    )
    return f"blastoseg.{function}({','.join(texts)});\n".encode("ascii")
