"""How incubators and public data sets name their pictures: patterns by name, and where each was seen.

A name is here only where its form is public; docs/inputs.md says more. None of these names carries hours.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Preset:
    """``patterns`` take the place of the defaults of ``[naming]``; ``example`` is a name that they read."""

    patterns: dict[str, str] = field(hash=False)
    example: str


_DATE = r"D\d{4}[._]\d\d[._]\d\d"

PRESETS: dict[str, Preset] = {
    "embryoscope": Preset(
        {
            "embryo": rf"(?P<embryo>{_DATE}_S\d{{3,4}}_I\d{{3,4}}_WELL\d{{1,2}})(?!\d)",
            "run": r"_RUN(?P<run>\d+)",
            "dish": rf"(?P<dish>{_DATE}_S\d{{3,4}}_I\d{{3,4}})_WELL",
        },
        "D2013.01.28_S0717_I132_WELL7_RUN1.jpeg",
    ),
    "embryoscope-plus": Preset(
        {
            "embryo": rf"(?P<embryo>{_DATE}_S\d{{5}}_I\d{{4,5}}_[A-Z]_WELL\d{{1,2}})(?!\d)",
            "run": r"_RUN(?P<run>\d+)",
            "dish": rf"(?P<dish>{_DATE}_S\d{{5}}_I\d{{4,5}}_[A-Z])_WELL",
        },
        "D2024.10.20_S01055_I4778_P_WELL06_RUN141.JPG",
    ),
    "stork": Preset(
        {
            "embryo": r"(?:^|_)(?P<embryo>\d{8})(?=_)",
            "focal": r"_(?P<focal>-?\d{1,3})(?=_)",
        },
        "good_23765483_-15_3AA.jpg",
    ),
}
