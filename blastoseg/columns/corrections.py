"""Whether a person corrected a frame's labels, and how."""

from blastoseg.columns.declared import Column

CORRECTION_COLUMNS: tuple[Column, ...] = (
    Column(
        "corrected",
        "",
        "str",
        "how a person corrected the frame's labels: drawn, or carried from frames on both sides; else empty",
    ),
    Column("corrected_tissues", "", "str", "keys of the tissues that this changed, separated by semicolons"),
    Column("corrected_by", "", "str", "who corrected them; under pseudonyms empty"),
    Column("corrected_at", "", "str", "when they were corrected, UTC"),
)
"""Empty where the labels are the network's. Corrected rows are judged by labels alone."""
