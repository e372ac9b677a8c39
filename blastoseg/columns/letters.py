"""What is suggested of ICM and TE: letters by a lab's own grades, and places within its archive."""

from blastoseg.columns.declared import Column, frac

LETTERS = ("A", "B", "C")
"""Best first. D is never suggested by machine."""
LETTER_TISSUES = {"icm": "ICM", "te": "TE"}
"""The tissues that have a letter, by key, as they are called."""
PERCENTILES = {
    "icm": {
        "icm_area": "the inner cell mass's share of the area of B",
        "icm_solidity": "the inner cell mass's area over its convex hull's",
        "icm_roundness": "the inner cell mass's length over its width",
    },
    "te": {
        "te_thickness": "the mean thickness of TE over the diameter of B",
        "te_thickness_sd": "the standard deviation of TE's thickness over the diameter of B",
        "te_coverage": "the share of B's outline that has TE",
    },
}
"""What letters and percentiles of each tissue rest on, by the stem of its percentile's column."""


def _letter(key: str, name: str) -> tuple[Column, ...]:
    return (
        Column(
            f"{key}_letter",
            "",
            "str",
            f'suggested letter of {name}, or "not gradable"; empty without --grades',
        ),
        *(
            column
            for letter in LETTERS
            for column in frac(f"{key}_letter_{letter.lower()}", f"probability of {letter} for {name}")
        ),
        Column(f"{key}_letter_note", "", "str", f"why {name} is not gradable"),
    )


LETTER_COLUMNS: tuple[Column, ...] = (
    *(column for key, name in LETTER_TISSUES.items() for column in _letter(key, name)),
    *(
        Column(f"{stem}_percentile", "", "int", f"percentile of {words} within the archive")
        for measures in PERCENTILES.values()
        for stem, words in measures.items()
    ),
    Column("percentile_note", "", "str", "which embryos the percentiles are among, or why there are none"),
)
"""Columns of ``embryos.csv`` only."""
