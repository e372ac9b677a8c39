"""What an embryo's row says in words: stage, timings, what to look at. Workbook and pages say the same."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from blastoseg.columns import LETTER_TISSUES, LETTERS, PERCENTILES, STEM_OF_EVENT
from blastoseg.course.events import BEFORE_FIRST
from blastoseg.quality import doubtful_tissues
from blastoseg.report.headline import HOURS
from blastoseg.report.wording import flags_in_words
from blastoseg.tissues import INSIDE_OUT

NAME_OF_TISSUE = {tissue.key: tissue.name.lower() for tissue in INSIDE_OUT}
EARLIER = "earlier"
"""Said of an event before the first frame."""


def _text(row: Mapping[Any, Any], name: str) -> str:
    return row[name] if isinstance(row[name], str) else ""


def look_at_in_words(row: Mapping[Any, Any]) -> str:
    """What a person must look at before believing the row; empty where there is nothing."""
    weakness = _text(row, "expansion_note") if _text(row, "expansion_gardner") else ""
    said = (_text(row, "reason") or flags_in_words(row["flags"]), _text(row, "embryo_note"), weakness)
    return "; ".join(filter(None, (_doubting_verdict(row), *said, _correction_in_words(row))))


def _correction_in_words(row: Mapping[Any, Any]) -> str:
    """That a person's labels were measured, not the network's, and in which tissues they differ."""
    how = _text(row, "corrected")
    if not how:
        return ""
    names = [NAME_OF_TISSUE[key] for key in _text(row, "corrected_tissues").split(";") if key]
    return ": ".join(filter(None, (f"labels corrected by hand ({how})", ", ".join(names))))


def _doubting_verdict(row: Mapping[Any, Any]) -> str:
    """A person's verdict with its note, where it bids others to look, or not to believe."""
    verdict = _text(row, "verdict")
    if verdict not in ("reject", "look at"):
        return ""
    return ": ".join(filter(None, ("verdict", verdict, _text(row, "verdict_note"))))


def doubtful_in(row: Mapping[Any, Any]) -> set[str]:
    """Keys of the tissues that the row throws doubt on."""
    return doubtful_tissues(_text(row, "flags"), _text(row, "reason"))


def stage_in_words(row: Mapping[Any, Any]) -> list[str]:
    """The suggested stage, letters where any are suggested, the lab's own grade, a verdict: a line each."""
    expansion = "" if pd.isna(row["lab_expansion"]) else str(row["lab_expansion"])
    lab = f"{expansion}{_text(row, 'lab_icm')}{_text(row, 'lab_te')}"
    graded = ", ".join(filter(None, (_letter_in_words(row, key) for key in LETTER_TISSUES)))
    verdict = " ".join(filter(None, (_text(row, "verdict"), _text(row, "verdict_grade"))))
    own = (f"({whose}: {said})" for whose, said in (("lab", lab), ("verdict", verdict)) if said)
    lines = (_text(row, "expansion_istanbul_2025"), graded, *own)
    return [line for line in lines if line]


def _letter_in_words(row: Mapping[Any, Any], key: str) -> str:
    """The letter and its probability; without letters the percentile of the tissue's first measure."""
    name, letter = LETTER_TISSUES[key], _text(row, f"{key}_letter")
    if letter in LETTERS:
        return f"{name} {letter} {row[f'{key}_letter_{letter.lower()}_frac']:.0%}"
    if letter:
        return f"{name} {letter}"
    percentile = row[f"{next(iter(PERCENTILES[key]))}_percentile"]
    return "" if pd.isna(percentile) else f"{name} percentile {percentile:.0f}"


def timings_in_words(row: Mapping[Any, Any]) -> list[str]:
    """The events that were reached, in their order, a line each: "tB 104.5", "tSB earlier"."""
    lines = []
    for event, stem in STEM_OF_EVENT.items():
        if pd.notna(row[f"{stem}_h"]):
            lines.append(f"{event} {HOURS.text(row[f'{stem}_h'])}")
        elif _text(row, f"{stem}_note") == BEFORE_FIRST:
            lines.append(f"{event} {EARLIER}")
    return lines
