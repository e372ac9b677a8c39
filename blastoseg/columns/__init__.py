"""Every reported column, declared once: name, unit, dtype, definition, source.

The report, the documentation and the tests read this table, so that they cannot drift apart. Angles are
in degrees clockwise from 12 o'clock about the blastocyst's centroid; y points down. B, the blastocyst,
is ICM + blastocoel + TE with holes filled; E, the embryo, is B + ZP with holes filled.
"""

from blastoseg.columns.corrections import CORRECTION_COLUMNS
from blastoseg.columns.course import (
    EMBRYO_COLUMNS,
    EPISODE_COLUMNS,
    EVENT_COLUMNS,
    LAB_COLUMNS,
    REPORTED_FRAME_COLUMNS,
    SERIES_COLUMNS,
    STEADY_COLUMNS,
    STEM_OF_EVENT,
)
from blastoseg.columns.declared import PANDAS_DTYPES, Column, dtypes_of
from blastoseg.columns.frame import (
    CONFIDENCE_COLUMNS,
    FRAME_COLUMNS,
    IDENTITY_COLUMNS,
    MEASURE_COLUMNS,
    PIXEL_COLUMNS,
    SHARPNESS_COLUMNS,
    Measures,
    add_micrometres,
    check_declared,
    with_undefined,
)
from blastoseg.columns.letters import LETTER_COLUMNS, LETTER_TISSUES, LETTERS, PERCENTILES
from blastoseg.columns.planes import MOMENT_COLUMNS, PLANE_OF, SPREAD_COLUMNS, spread_of
from blastoseg.columns.verdicts import VERDICT_COLUMNS

__all__ = [
    "BY_NAME",
    "CONFIDENCE_COLUMNS",
    "CORRECTION_COLUMNS",
    "EMBRYO_COLUMNS",
    "EPISODE_COLUMNS",
    "EVENT_COLUMNS",
    "FRAME_COLUMNS",
    "IDENTITY_COLUMNS",
    "LAB_COLUMNS",
    "LETTERS",
    "LETTER_COLUMNS",
    "LETTER_TISSUES",
    "MEASURE_COLUMNS",
    "MOMENT_COLUMNS",
    "NOTICE",
    "PANDAS_DTYPES",
    "PERCENTILES",
    "PIXEL_COLUMNS",
    "PLANE_OF",
    "REPORTED_FRAME_COLUMNS",
    "SERIES_COLUMNS",
    "SHARPNESS_COLUMNS",
    "SPREAD_COLUMNS",
    "STEADY_COLUMNS",
    "STEM_OF_EVENT",
    "VERDICT_COLUMNS",
    "Column",
    "Measures",
    "add_micrometres",
    "check_declared",
    "dtypes_of",
    "spread_of",
    "with_undefined",
]

NOTICE = Column(
    "notice", "", "str", "that the row is for research use only: the last column of every CSV file"
)

_EVERY = (*EMBRYO_COLUMNS, *STEADY_COLUMNS, *EVENT_COLUMNS, *EPISODE_COLUMNS, *MOMENT_COLUMNS, NOTICE)
BY_NAME: dict[str, Column] = {column.name: column for column in _EVERY}
