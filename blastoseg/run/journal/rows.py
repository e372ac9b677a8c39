"""A frame's row as JSON and back: no NaN in the text, none lost on the way."""

import json
import math
import re
from typing import Any

import numpy as np

from blastoseg import columns
from blastoseg.files import valid_text
from blastoseg.records import FrameRef, FrameResult
from blastoseg.run.journal.keys import FrameKey, ScoredWith
from blastoseg.run.journal.schema import StoredFrame

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


def stored_frame(scored_with: ScoredWith, key: FrameKey, result: FrameResult, around: str) -> StoredFrame:
    """A result as it stands in the ledger. Raises ValueError for an infinite measure."""
    return StoredFrame(
        weights=scored_with.weights_sha256,
        settings=scored_with.settings_digest,
        stages=scored_with.stages,
        source=valid_text(key.source),
        address=valid_text(key.address),
        content=key.content,
        place=natural_place(result.ref),
        status=str(result.status),
        row=encode_row(result.row() | {"pixels": result.pixels}),
        mask_file=result.mask_file,
        overlay_file=result.overlay_file,
        around=valid_text(around),
    ).sealed()


def as_row(stored: StoredFrame) -> dict[str, Any]:
    """The row of ``columns.FRAME_COLUMNS`` that a row of the ledger holds."""
    return decode_row(stored.row) | {"mask": stored.mask_file, "overlay": stored.overlay_file}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
