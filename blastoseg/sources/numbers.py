"""Numbers that files, names and options tell, before anything is computed with them: the one gate.

A damaged or malicious file tells times of 1e308 hours, planes of three hundred digits, wells named by books.
What is not finite and of a believable size is NaN or None here, and its reader says so.
"""

import math

LONGEST_H = 1000.0
"""More is no embryo's age: a date or a number was taken for hours, or the unit is wrong."""
LARGEST_WHOLE = 1_000_000_000
"""Of runs, wells and focal planes."""
LAST_DAY = 100_000.0
"""Days since 1899-12-30, as spreadsheets and slide files count them: the year 2173."""
MOST_DIGITS = 64
"""Characters of text that may be a number: reading a longer one takes time and tells nothing."""
LONGEST_COURSE_H = 24.0 * 30
"""From insemination to the last picture."""
LONGEST_NAME = 64
"""Characters of a well's name."""


def number(value: object) -> float:
    """A finite number stored as such or as text, also with a decimal comma; NaN for anything else."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
    if len(text) > MOST_DIGITS:
        return math.nan
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def whole(value: object) -> int | None:
    """A run, well or focal plane; None where it is no number or beyond belief."""
    found = number(value)
    return int(found) if abs(found) <= LARGEST_WHOLE else None


def hours(value: float) -> float:
    """Hours of an embryo's course; NaN where they are beyond belief."""
    return value if abs(value) <= LONGEST_H else math.nan


def can_be_insemination(moment: float, first: float, last: float) -> bool:
    """Whether pictures of an embryo, ``first`` to ``last``, can follow an insemination; all in days."""
    return 0 < moment <= first and (last - moment) * 24 <= LONGEST_COURSE_H


def day(value: object) -> float:
    """A date as a number of days; NaN where it is no date of an incubator."""
    found = number(value)
    return found if 0 < found <= LAST_DAY else math.nan
