"""The tissues by the names that people give them."""

import re

from blastoseg.datasets.annotation import CaseError, ProblemKind
from blastoseg.tissues import BACKGROUND, BLASTOCOEL, ICM, TE, ZP, Tissue

SYNONYMS: dict[Tissue, tuple[str, ...]] = {
    ICM: ("ICM", "inner cell mass"),
    BLASTOCOEL: ("blastocoel", "blastocoele", "blastocele", "cavity", "blastocoel cavity", "BC", "BL"),
    TE: ("TE", "trophectoderm", "trophoectoderm"),
    ZP: ("ZP", "zona", "zona pellucida"),
    BACKGROUND: ("background", "BG"),
}
_BY_NAME = {name.casefold(): tissue for tissue, names in SYNONYMS.items() for name in names}


def tissue_named(name: str, file: str) -> Tissue:
    """The tissue of a name, in any case and with any separators; CaseError for an unknown one."""
    plain = re.sub(r"[\s_\-]+", " ", name).strip().casefold()
    if plain not in _BY_NAME:
        choices = "; ".join(", ".join(names) for names in SYNONYMS.values())
        shown = f"{name[:60]!r} is no tissue's name" if plain else "a shape has no name"
        raise CaseError(ProblemKind.UNKNOWN_VALUE, file, f"{shown}: rename it to one of: {choices}")
    return _BY_NAME[plain]
