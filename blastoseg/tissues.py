"""The five tissues, declared once: label value in masks, channel order in the network, name and colour."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tissue:
    """One class of the segmentation.

    ``label`` is the value in every label image; ``channel`` the network's output channel, in the
    inside-out order in which I2CNet accumulates context; ``colour`` is RGB for label images, overlays and
    charts. They stay apart for people who see no red, green or blue: vermilion, blue and yellow of Okabe and
    Ito's palette, its bluish green lightened.
    """

    key: str
    name: str
    label: int
    channel: int
    colour: tuple[int, int, int]


ICM = Tissue("icm", "Inner cell mass", 1, 0, colour=(213, 94, 0))
BLASTOCOEL = Tissue("blastocoel", "Blastocoel", 2, 1, colour=(0, 114, 178))
TE = Tissue("te", "Trophectoderm", 3, 2, colour=(64, 224, 192))
ZP = Tissue("zp", "Zona pellucida", 4, 3, colour=(240, 228, 66))
BACKGROUND = Tissue("background", "Background", 0, 4, colour=(0, 0, 0))

INSIDE_OUT = (ICM, BLASTOCOEL, TE, ZP, BACKGROUND)
"""Channel order of the network: ``INSIDE_OUT[c].label`` is the label value of channel ``c``."""

FOREGROUND = (ICM, BLASTOCOEL, TE, ZP)
BLASTOCYST_LABELS = (ICM.label, BLASTOCOEL.label, TE.label)
"""Label values of what lies within the zona."""
LABEL_OF_CHANNEL = tuple(tissue.label for tissue in INSIDE_OUT)
CHANNEL_OF_LABEL = tuple(tissue.channel for tissue in sorted(INSIDE_OUT, key=lambda tissue: tissue.label))
