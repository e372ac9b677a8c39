"""A frame's row as JSON and back: no NaN in the text, none lost on the way."""

import json
import math
import re
from typing import Any

import numpy as np

from blastoseg import columns
from blastoseg.files import valid_text
from blastoseg.records import FrameRef

_WIDEST_NUMBER = 20


def encode_row(row: dict[str, Any]) -> str:
    """Strict JSON, NaN as null. Raises ValueError for an infinite number, TypeError for what is no scalar."""
    return json.dumps({name: _plain(value) for name, value in row.items()}, allow_nan=False)


def decode_row(text: str) -> dict[str, Any]:
    """The row that was encoded: null is NaN in a column of floats, None in any other."""
    row: dict[str, Any] = json.loads(text)
    for name, value in row.items():
        column = columns.BY_NAME.get(name)
        if column is not None and column.dtype == "float":
            row[name] = math.nan if value is None else float(value)
    return row


def natural_place(ref: FrameRef) -> str:
    """Text that sorts frames by embryo, frame index and file, with WELL7 before WELL10."""
    text = "\n".join((ref.embryo_id, str(ref.frame_index), ref.source))
    return valid_text(re.sub(r"[0-9]+", lambda digits: digits[0].zfill(_WIDEST_NUMBER), text))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
