"""``docs/columns.md``, written from the declared columns: ``python -m blastoseg.report.columns_doc``."""

import sys
from collections.abc import Iterable

from blastoseg import columns
from blastoseg.columns import Column
from blastoseg.course.events import event_rules
from blastoseg.course.steady import MEANING_OF_COURSE_FLAG
from blastoseg.course.tables import DEFAULT_GRADES
from blastoseg.quality import MEANING_OF_FLAG, MEANING_OF_STATUS, statuses_after
from blastoseg.report.tables import decimals_of
from blastoseg.report.wording import heading_of

_INTRODUCTION = """\
# Columns

Every column of `frames.csv` (one row a frame), `embryos.csv` (one row an embryo) and `events.csv` (one row
an event). All of them are in `report.xlsx` too: on the sheets Frames, Embryos and Events under the headings
given here, on Summary those that a person sees first. The sheet Columns holds what stands here.
This file is written from `blastoseg/columns/`, and held to it by a test:
`python -m blastoseg.report.columns_doc > docs/columns.md`.

The origin is top-left and y points down; angles are in degrees clockwise from 12 o'clock about the
blastocyst's centroid. B, the blastocyst, is inner cell mass (ICM), blastocoel and trophectoderm (TE) with
holes filled; E, the embryo, is B and the zona (ZP) with holes filled. What is undefined is empty, never 0.
Without a pixel size the `_um` and `_um2` columns are empty: it is never guessed.

The CSV files are UTF-8 without a byte order mark, with a point as decimal sign; in Excel, open them by Data >
From Text/CSV. Text that a spreadsheet could take for a formula begins with an apostrophe, in the workbook
too; control characters are shown as `\\x0a`.

The CSV files have all decimals. Summary and the terminal show no more digits than a measure earns: three that
count where predicted and true values agree with an ICC(2,1) of 0.99 or more
([validation.md](validation.md)), two elsewhere.

The pixel values of a mask are the tissues: 0 background, 1 ICM, 2 blastocoel, 3 TE, 4 ZP. A palette shows
them in colours; a program must read the values and not the colours, as Pillow and QuPath do.
"""


_COURSE = (
    "Neighbouring frames know of each other: one that contradicts those before and after it is left out.\n"
    "What it says on its own stays as it was measured."
)
_EVENTS = (
    "An event lies between the last frame before it and the first one after it. The rules are our\n"
    "proposals for research use, none of them published; a lab's settings may change their cut-offs:\n\n"
    + "\n".join(f"- {name}: {rule}" for name, rule in event_rules(DEFAULT_GRADES).items())
)


def columns_markdown() -> str:
    """The text of ``docs/columns.md``."""
    measures = columns.MEASURE_COLUMNS
    sections = (
        ("Which frame", "In both files.", columns.IDENTITY_COLUMNS),
        ("What the lab tells", "In `embryos.csv`: from `--embryos`, or `[naming]`.", columns.LAB_COLUMNS),
        ("Measures", "In both files; in `embryos.csv` of the frame that stands for it.", measures),
        ("Confidence", "In both files.", columns.CONFIDENCE_COLUMNS),
        ("Sharpness", "In both files.", columns.SHARPNESS_COLUMNS),
        ("A frame in the course", "In `frames.csv`. " + _COURSE, columns.STEADY_COLUMNS),
        ("Course", "In `embryos.csv`. A measured frame is ok or for review.", columns.SERIES_COLUMNS),
        ("Letters", "In `embryos.csv`: suggested, see [grading.md](grading.md).", columns.LETTER_COLUMNS),
        (
            "Verdicts",
            "In `embryos.csv`: of the page, taken in by `blastoseg verdicts import`.",
            columns.VERDICT_COLUMNS,
        ),
        ("Events", "In `events.csv`. " + _EVENTS, columns.EVENT_COLUMNS),
        (
            "Episodes",
            "On the sheet Quality: stretches of doubtful frames, worst first.",
            columns.EPISODE_COLUMNS,
        ),
        (
            "Focal planes",
            "In `moments.csv`, after `--focal all`, beside all measures.",
            tuple(column for column in columns.MOMENT_COLUMNS if column not in measures),
        ),
        ("Notice", "In every file.", (columns.NOTICE,)),
    )
    tables = (f"## {title}\n\n{where}\n\n{_table(declared)}" for title, where, declared in sections)
    return "\n".join((_INTRODUCTION, *tables, *_explanations()))


def _explanations() -> tuple[str, ...]:
    """Statuses and flags, as the workbook's sheet Columns explains them."""
    statuses = [f"| `{status}` | {meaning} |" for status, meaning in MEANING_OF_STATUS.items()]
    flags = [
        f"| `{flag}` | {' or '.join(statuses_after(flag))} | {meaning} |"
        for flag, meaning in MEANING_OF_FLAG.items()
    ]
    contradictions = [f"| `{flag}` | {meaning} |" for flag, meaning in MEANING_OF_COURSE_FLAG.items()]
    return (
        "\n".join(["## Statuses", "", "| status | meaning |", "|---|---|", *statuses, ""]),
        "\n".join(["## Flags", "", "| flag | status | meaning |", "|---|---|---|", *flags, ""]),
        "\n".join(["## Flags of the course", "", "| flag | meaning |", "|---|---|", *contradictions, ""]),
    )


def _table(declared: Iterable[Column]) -> str:
    lines = [
        "| column | heading | unit | type | decimals | definition | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for column in declared:
        decimals = str(decimals_of(column)) if column.dtype == "float" else ""
        cells = (
            f"`{column.name}`",
            heading_of(column),
            column.unit,
            column.dtype,
            decimals,
            column.definition,
            column.source,
        )
        lines.append(f"| {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(columns_markdown())
