"""Sorting as people count: RUN2 before RUN10."""

import re

_DIGITS = re.compile(r"(\d+)")

NaturalKey = tuple[tuple[str | int, ...], str]


def natural_key(text: str) -> NaturalKey:
    """Sort key in which runs of digits compare as numbers and letters without case.

    Equal keys mean equal texts. Text and numbers alternate, so that keys always compare.
    """
    parts = _DIGITS.split(text.casefold())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), text
