"""Stage 4: from the network's answer to labels that a blastocyst can have. Pure, deterministic.

Every rule removes what an embryo cannot be, and leaves alone what it can: a correct label map comes back
as it went in, up to a pixel here and there. Sizes are shares of the embryo, so that the rules hold at
any resolution.
"""

from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from blastoseg.anatomy.components import connected_components, drop_specks, fill_holes, holds, neighbours_of
from blastoseg.anatomy.gaps import close_doubtful_gaps
from blastoseg.anatomy.masses import drop_false_masses
from blastoseg.anatomy.outline import (
    ANGLES,
    CIRCLE_BAND,
    COMPONENT_SHARE,
    ZonaOutline,
    find_zona_outline,
    pixels_around,
)
from blastoseg.anatomy.polar import (
    Field,
    Present,
    main_circle,
    radius_at,
    share_of_radius,
    squared_distances,
)
from blastoseg.records import Labels, Mask, Probabilities
from blastoseg.tissues import (
    BACKGROUND,
    BLASTOCOEL,
    BLASTOCYST_LABELS,
    CHANNEL_OF_LABEL,
    ICM,
    LABEL_OF_CHANNEL,
    TE,
    ZP,
    Tissue,
)

MARGIN = 3
SPECK_SHARE = 0.002
"""A component of any tissue below this share of the embryo's area is noise and joins its surroundings."""
TE_ISLAND_SHARE = 0.05
"""TE below this share of the embryo that floats in the cavity is a cell seen face-on above or below it."""
ARC_CONTENT = 0.1
"""What a zona that an embryo has left in part still holds of it, at least, and what is outside, at least."""
FLUSH_PX = 0.5


def clean_labels(probabilities: Probabilities) -> Labels:
    """Anatomically possible labels ``(y, x)`` from probabilities ``(5, y, x)`` in inside-out order.

    One embryo is kept: what the zona, closed across its gaps, encloses, what is attached to that, such as
    the half of a hatching embryo that is outside, and the arcs of a zona that such an embryo stands in.
    Specks, holes, hairs and what bulges out of the zona's smooth outer outline are given to their
    surroundings, what was called inner cell mass beside it to the cavity. Gaps of the zona stay open where
    there is evidence of them. Without any tissue the answer is background throughout.
    """
    labels = np.full(probabilities.shape[1:], LABEL_OF_CHANNEL[0], np.uint8)
    best = probabilities[0].copy()
    # Four comparisons of whole planes are several times as fast as an argmax across them.
    for channel, label in zip(probabilities[1:], LABEL_OF_CHANNEL[1:], strict=True):
        np.copyto(labels, label, where=channel > best)
        np.maximum(best, channel, out=best)
    return tidy_labels(labels, probabilities)


def tidy_labels(labels: Labels, probabilities: Probabilities | None = None) -> Labels:
    """The rules of ``clean_labels`` for a map that is already labelled.

    Without the network's ``probabilities`` every gap of the zona stays, and every large inner cell mass.
    """
    x, y, width, height = cv2.boundingRect((labels > 0).view(np.uint8))
    cleaned = np.zeros_like(labels)
    if not width:
        return cleaned
    box = np.s_[y : y + height, x : x + width]
    work = np.pad(labels[box], MARGIN)

    def probable(tissue: Tissue, beyond: float) -> Field | None:
        if probabilities is None:
            return None
        return np.pad(probabilities[CHANNEL_OF_LABEL[tissue.label]][box], MARGIN, constant_values=beyond)

    _clean(work, probable(BACKGROUND, 1.0), probable(ICM, 0.0))
    cleaned[box] = work[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return cleaned


def _clean(work: Labels, background: Field | None, mass: Field | None) -> None:
    """Clean a map with an empty margin in place, by the probabilities of background and inner cell mass."""
    outline = find_zona_outline(work == ZP.label)
    if _keep_one_embryo(work, outline):
        # What was dropped may have drawn the zona's circle to itself.
        outline = find_zona_outline(work == ZP.label)
    if outline is not None:
        is_cut = _smooth_zona(work, outline)
        if background is not None:
            close_doubtful_gaps(work, replace(outline, seen=outline.seen & ~is_cut), background)
    _remove_spurs(work, outline)
    area = int(np.count_nonzero(work))
    drop_false_masses(work, outline, mass)
    for value in (ZP.label, ICM.label, TE.label, BLASTOCOEL.label, BACKGROUND.label):
        _dissolve_components(work, value, area)


def _keep_one_embryo(work: Labels, outline: ZonaOutline | None) -> bool:
    """Keep the main component, taken together with what the closed zona encloses; True if more was there."""
    foreground = (work > 0).view(np.uint8)
    if outline is not None:
        foreground = foreground | outline.filled(cast(tuple[int, int], work.shape)).view(np.uint8)
    # A slit one pixel wide between two tissues does not part an embryo.
    bridged = cv2.dilate(foreground, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(bridged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if len(contours) > 1:
        areas = [cv2.contourArea(contour) for contour in contours]
        kept = np.zeros_like(work)
        cv2.drawContours(kept, contours, int(np.argmax(areas)), 1, cv2.FILLED)
        main = kept.view(np.bool_)
        arcs = _zona_arcs(work, main) if outline is None else np.zeros_like(main)
        if arcs.any():  # all other zona is the rim of what has left it
            work[(work == ZP.label) & ~arcs] = BACKGROUND.label
        work[~(main | arcs)] = BACKGROUND.label
    _drop_loose_components(work)
    return len(contours) > 1


def _zona_arcs(work: Labels, main: Mask) -> Mask:
    """Arcs of a zona that an embryo has left in part: their circle holds some of its tissue, not all."""
    zona = work == ZP.label
    tissue = main & (work > 0) & ~zona
    circle = main_circle(zona)
    if circle is None or not tissue.any():
        return np.zeros_like(zona)
    away = share_of_radius(circle, zona.shape)
    if not ARC_CONTENT < float((away[tissue] < 1).mean()) < 1 - ARC_CONTENT:
        return np.zeros_like(zona)
    return cast(Mask, zona & (np.abs(away - 1) < CIRCLE_BAND))


def _drop_loose_components(work: Labels) -> None:
    """Small components of cavity or cells that are not part of the blastocyst, in or at the zona: debris."""
    blastocyst = holds(work, BLASTOCYST_LABELS)
    kept, _ = drop_specks(blastocyst, COMPONENT_SHARE)
    work[blastocyst & ~kept] = BACKGROUND.label


def _smooth_zona(work: Labels, outline: ZonaOutline) -> Present:
    """Cut what the zona has beyond its smooth outer outline, fill its dents; gaps stay as they are.

    Returns the directions in which nothing of the zona is left, for all of it lay beyond.
    """
    squared = squared_distances(outline.centre, work.shape)
    least, most = float(outline.smooth.min()), float(outline.smooth.max())
    # Zona further in does not bulge, and background further out is no dent.
    zona = (work == ZP.label) & (squared > (least - 1) ** 2)
    background = (work == BACKGROUND.label) & (squared < (most + 1) ** 2)
    band = (zona | background) & (squared > (least - 3 * outline.tolerance - 2) ** 2)
    pixels = pixels_around(outline.centre, band)
    offset = pixels.radius - radius_at(pixels.bearing, outline.smooth)
    is_zona = work.take(pixels.places) == ZP.label
    # What stands out far is debris and is cut flush; elsewhere the form that was found has its tolerance.
    is_debris = outline.outer - outline.smooth > 2 * outline.tolerance
    allowed = np.where(is_debris, FLUSH_PX, outline.tolerance)
    bulge = is_zona & (offset > allowed[pixels.direction])
    dent = ~is_zona & (offset < -outline.tolerance) & outline.present[pixels.direction]
    dent &= pixels.radius > outline.inner[pixels.direction]
    work.put(pixels.places[bulge], BACKGROUND.label)
    work.put(pixels.places[dent], ZP.label)
    is_cut, is_left = (
        np.bincount(pixels.direction[some], minlength=ANGLES) > 0 for some in (bulge, is_zona & ~bulge)
    )
    return is_cut & ~is_left


def _remove_spurs(work: Labels, outline: ZonaOutline | None) -> None:
    """Remove hairs: on the outside of the embryo, and of tissue that stands into the cavity."""
    foreground = fill_holes(work > 0)
    solid = foreground.view(np.uint8)
    if outline is not None:
        solid = solid | outline.filled(cast(tuple[int, int], work.shape)).view(np.uint8)
    size = 3 if solid.sum() < 30_000 else 5
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc)
    zona = () if outline is None else (ZP.label,)
    hairs = (opened == 0) & holds(work, (*BLASTOCYST_LABELS, *zona))
    work[hairs] = BACKGROUND.label
    wall = (work != BLASTOCOEL.label).view(np.uint8)
    opened = cv2.morphologyEx(wall, cv2.MORPH_OPEN, disc, borderValue=1)
    work[(opened == 0) & (wall == 1) & ((work == TE.label) | (work == ICM.label))] = BLASTOCOEL.label


def _dissolve_components(work: Labels, value: int, embryo_area: int) -> None:
    """Give the components of one tissue that cannot be what they are labelled as to their surroundings."""
    components = connected_components(work == value)
    largest = max((area for _, area in components), default=0.0)
    for contour, area in components:
        if area >= largest or area > max(COMPONENT_SHARE * largest, TE_ISLAND_SHARE * embryo_area):
            continue
        x, y, width, height = cv2.boundingRect(contour)
        window = work[max(0, y - 1) : y + height + 1, max(0, x - 1) : x + width + 1]
        component = np.zeros(window.shape, np.uint8)
        shift = (-max(0, x - 1), -max(0, y - 1))
        cv2.drawContours(component, [contour], 0, 1, cv2.FILLED, offset=shift)
        neighbours = neighbours_of(component.view(np.bool_), window, value)
        if not neighbours.any():
            continue
        if _is_misplaced(value, area / largest, area / embryo_area, neighbours / neighbours.sum()):
            window[component > 0] = neighbours.argmax()


def _is_misplaced(value: int, of_largest: float, of_embryo: float, around: np.ndarray) -> bool:
    """Whether a component cannot be its tissue, by its size and by the shares of what surrounds it."""
    if of_embryo < SPECK_SHARE:
        # A thin stretch of TE along the wall is short and real.
        return value != TE.label or around[[ZP.label, BACKGROUND.label]].sum() < 0.2
    if value == TE.label:
        return of_embryo < TE_ISLAND_SHARE and around[BLASTOCOEL.label] > 0.95
    if value == BLASTOCOEL.label:
        return of_largest < COMPONENT_SHARE or around[BACKGROUND.label] > 0.5
    return value in (ZP.label, ICM.label) and of_largest < COMPONENT_SHARE
