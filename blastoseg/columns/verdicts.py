"""What a person said of an embryo on the page."""

from blastoseg.columns.declared import Column

VERDICT_COLUMNS: tuple[Column, ...] = (
    Column("verdict", "", "str", "a person's last verdict on the embryo: accept, reject, look at"),
    Column("verdict_grade", "", "str", "the grade given with it"),
    Column("verdict_note", "", "str", "the note given with it"),
    Column("verdict_by", "", "str", "who gave it; under pseudonyms empty"),
    Column("verdict_at", "", "str", "when it was given, UTC"),
)
"""Empty where no verdict was taken in by ``blastoseg verdicts import``."""
