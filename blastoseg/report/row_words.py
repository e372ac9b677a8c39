"""What an embryo's row says in words: stage, timings, what to look at. Workbook and pages say the same."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from blastoseg.columns import STEM_OF_EVENT
from blastoseg.course.events import BEFORE_FIRST
from blastoseg.report.headline import HOURS
from blastoseg.report.wording import flags_in_words

EARLIER = "earlier"
"""Said of an event before the first frame."""


def _text(row: Mapping[Any, Any], name: str) -> str:
    return row[name] if isinstance(row[name], str) else ""


def look_at_in_words(row: Mapping[Any, Any]) -> str:
    """What a person must look at before believing the row; empty where there is nothing."""
    weakness = _text(row, "expansion_note") if _text(row, "expansion_gardner") else ""
    said = (_text(row, "reason") or flags_in_words(row["flags"]), _text(row, "embryo_note"), weakness)
    return "; ".join(filter(None, said))


def stage_in_words(row: Mapping[Any, Any]) -> list[str]:
    """The suggested stage, and the lab's own grade where it gave one, a line each."""
    expansion = "" if pd.isna(row["lab_expansion"]) else str(row["lab_expansion"])
    lab = f"{expansion}{_text(row, 'lab_icm')}{_text(row, 'lab_te')}"
    return [line for line in (_text(row, "expansion_istanbul_2025"), f"(lab: {lab})" if lab else "") if line]


def timings_in_words(row: Mapping[Any, Any]) -> list[str]:
    """The events that were reached, in their order, a line each: "tB 104.5", "tSB earlier"."""
    lines = []
    for event, stem in STEM_OF_EVENT.items():
        if pd.notna(row[f"{stem}_h"]):
            lines.append(f"{event} {HOURS.text(row[f'{stem}_h'])}")
        elif _text(row, f"{stem}_note") == BEFORE_FIRST:
            lines.append(f"{event} {EARLIER}")
    return lines
