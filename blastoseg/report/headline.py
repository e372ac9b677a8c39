"""Which columns a person sees first, in which order, with which digits: asked by terminal and workbook.

A measure is shown with no more digits than it earns: three that count where predicted and true values agree
with an ICC(2,1) of 0.99 or more (docs/validation.md), two elsewhere. The tables hold all digits.
"""

import math
from dataclasses import dataclass

import pandas as pd

from blastoseg.columns import BY_NAME, Column
from blastoseg.records import TimeReference
from blastoseg.report.wording import symbols_of, words_of
from blastoseg.tissues import FOREGROUND

_MOST_DECIMALS = 2
_TISSUE_OF_STEM = {"icm": "icm", "te": "te", "blastocoel": "blastocoel", "zp": "zp", "extruded": "zp"}


@dataclass(frozen=True, slots=True)
class Headline:
    """One column. ``{u}`` in ``name`` stands for the unit of length, um or px.

    ``digits`` are those that count; ``decimals``, where given, stand behind the point whatever the value.
    ``short`` is its heading in a narrow table; empty: it isn't shown there. ``is_on_page``: it is shown on
    Summary.
    """

    name: str
    digits: int = 2
    short: str = ""
    decimals: int | None = None
    is_signed: bool = False
    is_on_page: bool = True

    def column(self, unit: str) -> Column:
        """The declared column, ``unit`` being the unit of length."""
        return BY_NAME[self.name.format(u=unit)]

    def unit(self, unit: str) -> str:
        """The unit that is shown: shares are shown in percent."""
        declared = self.column(unit).unit
        return "%" if declared == "fraction" else declared

    def heading(self, unit: str) -> str:
        """Words and unit: "ICM area, µm²"."""
        shown = symbols_of(self.unit(unit))
        words = words_of(self.column(unit))
        return f"{words}, {shown}" if shown else words

    def rounded(self, value: float) -> float:
        """The value with the digits that it earns; NaN stays NaN. A share stays a share."""
        return round(value, self._places(value)) if math.isfinite(value) else value

    def number_format(self, value: float) -> str:
        """The format of a spreadsheet's cell that holds ``rounded(value)``."""
        if self.is_share:
            return "+0%;-0%;0%" if self.is_signed else "0%"
        places = self._places(self.rounded(value)) if math.isfinite(value) else 0
        return "#,##0" + ("." + "0" * places if places > 0 else "")

    def text(self, value: float) -> str:
        """The number as a terminal shows it, without its unit; "-" where it is undefined."""
        if pd.isna(value):
            return "-"
        shown = self.rounded(float(value)) + 0.0  # no "-0"
        if self.is_share:
            return f"{shown:{'+' if self.is_signed else ''}.0%}".removesuffix("%")
        return f"{shown:,.{max(self._places(shown), 0)}f}"

    def is_doubtful(self, tissues: set[str]) -> bool:
        """Whether doubt about these tissues, by key, is doubt about this measure.

        One of the whole blastocyst (its size) is doubtful only where every tissue is.
        """
        if self in COURSE:
            return False
        own = _TISSUE_OF_STEM.get(self.name.partition("_")[0])
        return own in tissues if own else len(tissues) == len(FOREGROUND)

    @property
    def is_share(self) -> bool:
        """Whether the column holds a fraction, which is shown in percent."""
        return self.column("px").unit == "fraction"

    def _places(self, value: float) -> int:
        """Digits behind the point; below 0, places before it that are rounded to 0."""
        if self.is_share:
            return 2
        if self.column("px").dtype == "int":
            return 0
        if self.decimals is not None:
            return self.decimals
        return min(self.digits - 1 - math.floor(math.log10(abs(value))), _MOST_DECIMALS) if value else 0


HOURS = Headline("time_h", decimals=1)
MEASURES = (
    Headline("blastocyst_diameter_{u}", digits=3, short="diam."),
    Headline("blastocyst_area_{u}2", digits=3, is_on_page=False),
    Headline("blastocoel_area_frac", short="cavity"),
    Headline("icm_area_{u}2", short="ICM"),
    Headline("te_thickness_mean_{u}", short="TE"),
    Headline("zp_thickness_mean_{u}"),
    Headline("zp_integrity_frac", short="zona", is_on_page=False),
    Headline("extruded_area_frac"),
)
"""What a person compares first; the sheet Embryos has every measure."""
COURSE = (Headline("expansion_rate_{u}2_per_h"), Headline("collapse_count"))
SUMMARY = (*(headline for headline in MEASURES if headline.is_on_page), *COURSE)
"""What fits a page across beside the pictures."""
NARROW = tuple(headline for headline in MEASURES if headline.short)
"""The measures that a terminal has room for."""


def unit_of_length(table: pd.DataFrame) -> str:
    """The unit shown: micrometres where every measured row has a pixel size, else pixels: never mixed."""
    measured = table[table["blastocyst_area_px2"].notna()]
    return "um" if len(measured) and measured["um_per_px"].notna().all() else "px"


def hours_in_words(embryos: pd.DataFrame) -> str:
    """What the hours of embryos count from."""
    references = list(embryos["time_reference"].dropna().unique()) if len(embryos) else []
    if len(references) == 1 and references[0] != TimeReference.UNKNOWN:
        return f"hours since {references[0]}"
    return "hours since a time that is not known" if len(references) < 2 else "hours since what Embryos names"
