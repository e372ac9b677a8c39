"""Which focal plane of a moment is measured."""

from collections.abc import Iterable
from typing import cast

import cv2
import numpy as np

from blastoseg.errors import UsageError, counted
from blastoseg.records import Image
from blastoseg.sources.options import ALL, BEST, SourceOptions
from blastoseg.sources.shots import Embryo, MomentKey, Shot

Moment = tuple[MomentKey, Shot, list[Shot]]
"""The moment, a picture of it, and, for ``best``, all its planes to choose from."""


def focus_measure(image: Image) -> float:
    """Sharpness: mean squared Sobel gradient over the image's variance (Tenengrad, made free of contrast).

    0 for a constant image. Source: Tenenbaum 1970, as compared by Sun 2004 (Microsc. Res. Tech. 65:139).
    """
    small = image if max(image.shape) <= 512 else _halved(image)
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 1.0)
    variance = float(smooth.var())
    if variance == 0:
        return 0.0
    dx, dy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return float(np.mean(dx * dx + dy * dy)) / variance


def check_choice(embryos: list[Embryo], options: SourceOptions) -> None:
    """UsageError, naming the planes found, where no picture at all has the plane asked for."""
    chosen = options.chosen_plane()
    found = {plane for embryo in embryos for planes in embryo.moments.values() for plane in planes}
    if chosen is None or chosen in found or not found:
        return
    numbered = sorted(plane for plane in found if plane is not None)
    if chosen == 0 and (None in found or len(numbered) == 1):
        return
    choices = ", ".join([str(plane) for plane in numbered] + [BEST, ALL])
    advice = "" if numbered else ": the names of these files tell no focal plane, leave the option out"
    if chosen == 0:
        advice = "; where these numbers are no focal planes, set [naming] focal in the settings file"
    raise UsageError(f"--focal {options.focal}: no such focal plane here; choose one of {choices}{advice}")


def choose_planes(embryo: Embryo, only_plane: int | None, options: SourceOptions) -> tuple[list[Moment], str]:
    """The pictures of each moment, in order, and a note where some were left out for their plane (or "").

    That is one picture a moment, or each of its planes, the one nearest the centre first, for ``all``.
    ``only_plane`` is the one plane of an input that has no other: it is taken, whatever its number. A moment
    that lacks the chosen plane yields a shot with a ``problem``.
    """
    has_numbered = any(plane is not None for planes in embryo.moments.values() for plane in planes)
    moments = [
        (key, _with_centre(planes) if has_numbered else planes)
        for key, planes in sorted(embryo.moments.items())
    ]
    if options.focal == ALL:
        return [(key, shot, []) for key, planes in moments for shot in _from_centre(planes.values())], ""
    chosen = options.chosen_plane()
    if chosen == 0 and only_plane is not None:
        chosen = only_plane
    numbered = {plane for _, planes in moments for plane in planes if plane is not None}
    apart = len(numbered) > 1 and all(len(planes) == 1 for _, planes in moments)
    if apart and chosen in numbered:
        kept: list[Moment] = [(key, planes[chosen], []) for key, planes in moments if chosen in planes]
        left_out = len(moments) - len(kept)
        return kept, (
            f"plane {chosen} taken, {counted(left_out, 'picture')} of other planes left out: "
            "their names do not tell which belong to one moment"
        )
    return [(key, *_choose(planes, chosen)) for key, planes in moments], ""


def _with_centre(planes: dict[int | None, Shot]) -> dict[int | None, Shot]:
    """Beside numbered planes, the unnumbered one is the centre: ``dataset/`` beside ``dataset_F15/``."""
    if None not in planes or 0 in planes:
        return planes
    centre = planes[None]
    centre.plane = 0
    del planes[None]
    planes[0] = centre
    return planes


def _choose(planes: dict[int | None, Shot], chosen: int | None) -> tuple[Shot, list[Shot]]:
    if chosen is None:
        readable = [shot for shot in planes.values() if not shot.problem] or list(planes.values())
        candidates = _from_centre(readable)
        return candidates[0], candidates if len(candidates) > 1 else []
    if chosen in planes:
        return planes[chosen], []
    if chosen == 0 and None in planes:
        return planes[None], []
    stand_in = next(iter(planes.values()))
    found = ", ".join("none told" if plane is None else str(plane) for plane in planes)
    stand_in.problem = stand_in.problem or (
        f"{stand_in.source}: focal plane {chosen} is missing at this moment (found: {found}): "
        "add the picture, or choose another plane with --focal"
    )
    return stand_in, []


def _from_centre(shots: Iterable[Shot]) -> list[Shot]:
    return sorted(shots, key=lambda shot: (abs(shot.plane or 0), shot.plane or 0))


def _halved(image: Image) -> Image:
    scale = 512 / max(image.shape)
    return cast(Image, cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
