"""Which pieces of inner cell mass are one: a blastocyst has one, rarely two."""

import math
from typing import cast

import cv2
import numpy as np

from blastoseg.anatomy.components import connected_components
from blastoseg.anatomy.outline import ZonaOutline
from blastoseg.anatomy.polar import Field
from blastoseg.records import Labels, Mask
from blastoseg.tissues import BLASTOCOEL, ICM

CRACK = 0.01
"""Pieces that are no further apart than this share of the embryo's diameter are one."""
SECOND_SHARE = 0.5
"""A second inner cell mass has at least this share of the first one's area,"""
SECOND_SURE = 0.8
"""and the network's mean probability over it is at least this."""


def drop_false_masses(work: Labels, outline: ZonaOutline | None, probability: Field | None) -> None:
    """Keep the largest piece of ICM, and of what else is called so only a sure second one; in place.

    On either side of the zona, where an embryo hatches. In none of 199 labelled images (Saeedi et al. 2017)
    did a reader draw a second one: cells that look like it lie above or below the cavity, and belong to it.
    """
    mass = work == ICM.label
    if len(connected_components(mass)) < 2:
        return
    count, pieces = _pieces(mass, int(np.count_nonzero(work)))
    areas = np.bincount(pieces[mass], minlength=count)
    within = np.ones_like(mass) if outline is None else outline.filled(cast(tuple[int, int], work.shape))
    is_inside = 2 * np.bincount(pieces[mass & within], minlength=count) > areas
    for side in (is_inside, ~is_inside):
        largest = int(np.argmax(areas * side))
        for number in np.flatnonzero(side & (areas > 0)):
            piece = mass & (pieces == number)
            is_second = areas[number] >= SECOND_SHARE * areas[largest] and (
                probability is None or float(probability[piece].mean()) >= SECOND_SURE
            )
            if number != largest and not is_second:
                _give_away(work, piece)


def _pieces(mass: Mask, embryo_area: int) -> tuple[int, Labels]:
    """How many pieces there are, with what is no ICM as one more, and the number of each pixel's piece."""
    crack = round(CRACK * 2 * math.sqrt(embryo_area / math.pi))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * crack + 1, 2 * crack + 1))
    count, pieces = cv2.connectedComponents(cv2.dilate(mass.view(np.uint8), disc), connectivity=8)
    return count, cast(Labels, pieces)


def _give_away(work: Labels, piece: Mask) -> None:
    """A piece that is none: cavity where it touches that, else what is most of its surroundings."""
    around = (cv2.dilate(piece.view(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~piece
    neighbours = np.bincount(work[around], minlength=5)
    neighbours[ICM.label] = 0
    work[piece] = BLASTOCOEL.label if neighbours[BLASTOCOEL.label] else neighbours.argmax()
