"""What a TIFF says of its pixel size and its time step, in um/px and hours."""

import math
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import tifffile

from blastoseg.settings import is_pixel_size
from blastoseg.sources.numbers import hours, number

UM_PER = {
    "nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "mm": 1e3,
    "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4, "m": 1e6, "meter": 1e6, "inch": 25_400.0, "in": 25_400.0,
}  # fmt: skip
HOURS_PER = {
    "ms": 1 / 3_600_000,
    "s": 1 / 3600,
    "sec": 1 / 3600,
    "min": 1 / 60,
    "h": 1.0,
    "hr": 1.0,
    "d": 24.0,
}
TOLERANCE_OF_SQUARE = 0.01


@dataclass(frozen=True, slots=True)
class Scale:
    """NaN where the file says nothing. ``problem`` is not empty where it says what cannot be measured on."""

    um_per_px: float = math.nan
    um_per_px_source: str = ""
    interval_h: float = math.nan
    problem: str = ""


def read_scale(tiff: tifffile.TiffFile, index: int) -> Scale:
    """Pixel size and time step of a series: from OME, ImageJ or the TIFF's own resolution, in this order."""
    if tiff.is_ome and tiff.ome_metadata:
        size, interval_h, source = *_from_ome(tiff.ome_metadata, index), "OME"
    elif tiff.is_imagej and tiff.imagej_metadata:
        size, interval_h, source = *_from_imagej(tiff), "ImageJ"
    else:
        size, interval_h, source = _from_resolution(tiff.series[index].keyframe), math.nan, "TIFF resolution"
    x, y = size
    if not (is_pixel_size(x) and is_pixel_size(y)):
        return Scale(interval_h=interval_h)
    if abs(x - y) > TOLERANCE_OF_SQUARE * max(x, y):
        return Scale(
            problem=f"its pixels are not square ({x:.4g} x {y:.4g} um), which distorts shapes: "
            "scale it to square pixels"
        )
    return Scale((x + y) / 2, f"metadata ({source})", interval_h)


def _from_ome(text: str, index: int) -> tuple[tuple[float, float], float]:
    try:
        # tifffile has parsed the same text; expat refuses entities that blow up.
        pixels = ElementTree.fromstring(text).findall(".//{*}Pixels")[index]  # noqa: S314
    except (ElementTree.ParseError, IndexError):
        return (math.nan, math.nan), math.nan
    x, y = (
        number(pixels.get(f"PhysicalSize{axis}")) * _um_per(pixels.get(f"PhysicalSize{axis}Unit", "um"))
        for axis in "XY"
    )
    unit = HOURS_PER.get(pixels.get("TimeIncrementUnit", "s"), math.nan)
    return (x, y), _step(number(pixels.get("TimeIncrement")) * unit)


def _from_imagej(tiff: tifffile.TiffFile) -> tuple[tuple[float, float], float]:
    metadata: dict[str, Any] = tiff.imagej_metadata or {}
    x, y = _tag_resolution(tiff.pages[0])
    unit = str(metadata.get("unit", ""))
    unit_y = str(metadata.get("yunit", unit))
    step = number(metadata.get("finterval")) * HOURS_PER.get(str(metadata.get("tunit", "s")), 1 / 3600)
    return (_um_per(unit) / x, _um_per(unit_y) / y), _step(step)


def _from_resolution(page: Any) -> tuple[float, float]:
    unit = page.tags.get("ResolutionUnit")
    um = {2: UM_PER["inch"], 3: UM_PER["cm"]}.get(int(unit.value) if unit else 0, math.nan)
    x, y = _tag_resolution(page)
    return um / x, um / y


def _tag_resolution(page: Any) -> tuple[float, float]:
    """Pixels a unit along x and y; NaN where the tags are missing or zero."""
    values = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        numerator, denominator = tag.value if tag is not None else (0, 0)
        values.append(numerator / denominator if numerator and denominator else math.nan)
    return values[0], values[1]


def _um_per(unit: str) -> float:
    """Micrometres of a unit, however its micro sign is written; NaN for an unknown unit such as pixel."""
    plain = re.sub(r"\\u00b5|\\u03bc|\u00b5|\u03bc", "u", unit.strip().casefold())
    return UM_PER.get(plain.replace("metre", "meter"), math.nan)


def _step(value: float) -> float:
    return hours(value) if value > 0 else math.nan
