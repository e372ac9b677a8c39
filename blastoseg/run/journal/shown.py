"""Which rows of the ledger the pictures in OUT are of: read beside a run, without the lock."""

from pathlib import Path
from typing import NamedTuple

from blastoseg.run.journal.history import ledger_of
from blastoseg.run.journal.keys import FrameKey, ScoredWith
from blastoseg.run.journal.pictures import up_to_date
from blastoseg.run.journal.schema import StoredFrame, as_text, damaged, opened_beside_a_run, texts

_SELECT_ONE = f"""
SELECT {", ".join(StoredFrame._fields)} FROM frames
WHERE weights = ? AND settings = ? AND stages = ? AND source = ? AND address = ?
"""  # noqa: S608  names of ours
_SELECT = """
SELECT weights, settings, stages, source, address, content, mask_file, overlay_file
FROM frames WHERE overlay_file <> ''
"""


class ShownFrame(NamedTuple):
    """A frame whose overlay lies in OUT: where its row stands, and its pictures, relative to OUT."""

    scored_with: ScoredWith
    key: FrameKey
    mask_file: str
    overlay_file: str


def shown_frames(out: Path) -> dict[str, ShownFrame]:
    """By its overlay's path every frame that the network's pictures on the disk are of.

    InputNotFoundError where there is no ledger, OutputError where it cannot be read.
    """
    return {
        overlay: ShownFrame(ScoredWith(*way), FrameKey(source, address, content), mask, overlay)
        for *way, source, address, content, mask, overlay in _found(out, _SELECT)
        if content == up_to_date(content)
    }


def row_of(out: Path, shown: ShownFrame) -> StoredFrame:
    """The frame's row in the ledger. OutputError where it is gone, or not as it was written."""
    with_, key = shown.scored_with, shown.key
    way = (with_.weights_sha256, with_.settings_digest, with_.stages)
    found = _found(out, _SELECT_ONE, (*way, key.source, key.address))
    row = StoredFrame(*found[0]) if found else None
    if row is None or not row.is_whole:
        raise damaged(ledger_of(out), f"the row of {key.source} is gone, or not as it was written")
    return row


def _found(out: Path, query: str, parameters: tuple[str, ...] = ()) -> list[list[str]]:
    path = ledger_of(out)
    with opened_beside_a_run(path) as database:
        database.text_factory = as_text
        return [texts(path, row) for row in database.execute(query, parameters)]
