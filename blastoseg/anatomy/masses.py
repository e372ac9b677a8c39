"""Which components of ICM are inner cell masses: a blastocyst has one, rarely two."""

import math
from typing import cast

import cv2
import numpy as np

from blastoseg.anatomy.components import connected_components, holds, neighbours_of
from blastoseg.anatomy.outline import ZonaOutline
from blastoseg.anatomy.polar import Field
from blastoseg.records import Labels, Mask
from blastoseg.tissues import BLASTOCOEL, BLASTOCYST_LABELS, ICM, TE

CRACK = 0.01
"""Components that are no further apart than this share of the embryo's diameter are one."""
LEAST_SHARE = 0.01
"""All ICM has at least this share of the blastocyst's area; the least of 199 readers' masks has 0.044."""
SECOND_SHARE = 0.5
"""A second inner cell mass has at least this share of the first one's area,"""
SECOND_SURE = 0.8
"""and the network's mean probability over it is at least this."""


def drop_false_masses(work: Labels, outline: ZonaOutline | None, probability: Field | None) -> None:
    """Keep the largest component of ICM, and of what else is called so only a sure second one; in place.

    On either side of the zona, where an embryo hatches. In none of 199 labelled images (Saeedi et al. 2017)
    did a reader draw a second one: cells that look like it lie above or below the cavity, and belong to it.
    Where a crumb is all there is, none is kept: no area is better than a wrong one.
    """
    mass = work == ICM.label
    masses, blastocyst = len(connected_components(mass)), holds(work, BLASTOCYST_LABELS)
    is_crumb = np.count_nonzero(mass) < LEAST_SHARE * np.count_nonzero(blastocyst)
    if masses == 0 or (masses == 1 and not is_crumb):
        return
    count, components = _components(mass, int(np.count_nonzero(work)))
    areas = np.bincount(components[mass], minlength=count)
    within = np.ones_like(mass) if outline is None else outline.filled(cast(tuple[int, int], work.shape))
    is_inside = 2 * np.bincount(components[mass & within], minlength=count) > areas
    for side in (is_inside, ~is_inside):
        largest = int(np.argmax(areas * side))
        for number in np.flatnonzero(side & (areas > 0)):
            component = mass & (components == number)
            is_second = areas[number] >= SECOND_SHARE * areas[largest] and (
                probability is None or float(probability[component].mean()) >= SECOND_SURE
            )
            if is_crumb or not (number == largest or is_second):
                _give_away(work, component)


def _components(mass: Mask, embryo_area: int) -> tuple[int, Labels]:
    """How many components there are, and one for what is no ICM; of each pixel, the number of its own."""
    crack = round(CRACK * 2 * math.sqrt(embryo_area / math.pi))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * crack + 1, 2 * crack + 1))
    count, components = cv2.connectedComponents(cv2.dilate(mass.view(np.uint8), disc), connectivity=8)
    return count, cast(Labels, components)


def _give_away(work: Labels, component: Mask) -> None:
    """A component that is none: cavity where it touches that, else TE, else what is most around it."""
    neighbours = neighbours_of(component, work, ICM.label)
    touched = [tissue.label for tissue in (BLASTOCOEL, TE) if neighbours[tissue.label]]
    work[component] = touched[0] if touched else neighbours.argmax()
