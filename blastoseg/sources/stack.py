"""TIFF: single pictures, and stacks over time or focus as OME-TIFF, ImageJ TIFF or plain pages.

Read plane by plane. A focal axis without plane numbers is numbered from its middle, which is 0.
"""

import logging
import math
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Image, TimeReference
from blastoseg.sources.addresses import Nowhere, StackPlane
from blastoseg.sources.decode import BLACK_AND_WHITE, check_size
from blastoseg.sources.numbers import hours
from blastoseg.sources.shots import Shot
from blastoseg.sources.tiff_metadata import Scale, read_scale
from blastoseg.sources.tiff_pixels import read_pixels

SUFFIXES = frozenset({".tif", ".tiff"})
MOST_PLANES = 100_000
PICTURE_AXES = frozenset("YXS")
FOCAL_AXIS = "Z"
MOST_COMPLAINTS = 1000
"""Errors that tifffile may log about one file. A damaged chain of pages can make it complain for hours."""


PAGES_TO_A_CIRCLE = 100
"""Where tifffile looks whether it was there before: once, at the hundredth page."""


class _Patience(logging.Handler):
    """Ends the reading of a file about which tifffile logs error after error, by raising from its log call.

    What it finds odd goes into a log where there is one, and not between the lines of a progress bar.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heard = threading.local()

    def begin(self) -> None:
        """A new file is opened in this thread."""
        self._heard.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.ERROR:
            return
        self._heard.count = getattr(self._heard, "count", 0) + 1
        if self._heard.count > MOST_COMPLAINTS:
            raise ValueError(f"more than {MOST_COMPLAINTS} errors in its headers")


_patience = _Patience()
logging.getLogger("tifffile").addHandler(_patience)

TIME_AXES = frozenset("TIQR")
"""T is time; I, Q and R are tifffile's names for pages in a row that the file says nothing about."""


@dataclass(slots=True)
class Series:
    """One embryo's pictures in a TIFF, by moment and plane. ``name`` tells a file's several series apart."""

    name: str = ""
    moments: list[list[Shot]] = field(default_factory=list)


def find_series(path: str, source: str, plane: int | None) -> list[Series]:
    """The series of a TIFF from its headers alone; one with a problem where the file cannot be used.

    ``plane`` is the focal plane that names tell; a focal axis inside the file overrules it.
    """
    try:
        with closing(_open(path)) as tiff:
            several = len(tiff.series) > 1
            if not tiff.series:
                raise UnreadableFrameError(f"{source}: holds no whole image: export it again")
            found = [
                Series(
                    f" series {number + 1}" if several else "",
                    _moments(tiff, number, Shot(source, path, Nowhere(), plane)),
                )
                for number in range(len(tiff.series))
            ]
            if _is_cut_short(tiff):
                problem = f"{source}: cut short or damaged after image {len(tiff.pages)}: export it again"
                found[-1].moments.append([Shot(source, path, Nowhere(is_end=True), plane, problem=problem)])
            return found
    except UnreadableFrameError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{source}: cannot be read ({error.strerror or error}): check its rights and the disk"
    except Exception as error:
        # tifffile answers damaged headers with whatever it stumbles over.
        problem = f"{source}: is no TIFF, or a damaged one ({_first_line(error)}): export it again"
    return [Series(moments=[[Shot(source, path, Nowhere(), plane, problem=problem)]])]


def _open(path: str | Path) -> tifffile.TiffFile:
    _patience.begin()
    # _multifile: an OME-TIFF may name other files; nothing but the given one is opened.
    tiff = tifffile.TiffFile(path, _multifile=False)
    try:
        _cut_circle(tiff)
    except Exception:
        tiff.close()
        raise
    return tiff


def _cut_circle(tiff: tifffile.TiffFile) -> None:
    """End the chain of pages where one points back to an earlier one; tifffile may follow it without end.

    Raises ValueError where the circle is too long for tifffile to cut it.
    """
    seen: set[int] = set()
    offset = tiff.pages.first.offset
    while offset and offset < tiff.filehandle.size:
        if offset in seen and len(seen) >= PAGES_TO_A_CIRCLE:
            raise ValueError("its pages point in a circle")
        if offset in seen:
            break
        seen.add(offset)
        pointer = _pointer_after(tiff, offset)
        if len(pointer) < tiff.tiff.offsetsize:
            break
        (offset,) = struct.unpack(tiff.tiff.offsetformat, pointer)
    len(tiff.pages)  # Only when it counts them does tifffile look for a circle, not while it reads them.


def _is_cut_short(tiff: tifffile.TiffFile) -> bool:
    """Whether the last page that could be read points to a further one: tifffile only logs that."""
    pointer = _pointer_after(tiff, tiff.pages[len(tiff.pages) - 1].offset)
    return len(pointer) < tiff.tiff.offsetsize or any(pointer)


def _pointer_after(tiff: tifffile.TiffFile, offset: int) -> bytes:
    """What the page at ``offset`` says of the next one's place; shorter where the file ends before."""
    layout, file = tiff.tiff, tiff.filehandle
    file.seek(offset)
    count = file.read(layout.tagnosize)
    if len(count) < layout.tagnosize:
        return b""
    file.seek(struct.unpack(layout.tagnoformat, count)[0] * layout.tagsize, os.SEEK_CUR)
    return bytes(file.read(layout.offsetsize))


def _moments(tiff: tifffile.TiffFile, number: int, like: Shot) -> list[list[Shot]]:
    series = tiff.series[number]
    height, width = series.keyframe.imagelength, series.keyframe.imagewidth
    check_size(height, width, like.source)
    outer = [
        (axis, size) for axis, size in zip(series.axes, series.shape, strict=True) if axis not in PICTURE_AXES
    ]
    for axis, size in outer:
        if size > 1 and axis != FOCAL_AXIS and axis not in TIME_AXES:
            raise UnreadableFrameError(
                f"{like.source}: has {size} images along axis {axis}, which is neither time nor focus: "
                "export the bright-field channel alone"
            )
    planes = math.prod(size for axis, size in outer if axis == FOCAL_AXIS)
    count = math.prod(size for _, size in outer)
    if count > MOST_PLANES:
        raise UnreadableFrameError(f"{like.source}: {count:,} images exceed the limit of {MOST_PLANES:,}")
    scale = read_scale(tiff, number)
    if scale.problem:
        raise UnreadableFrameError(f"{like.source}: {scale.problem}")
    indices = np.arange(count).reshape([size for _, size in outer] or [1])
    focal_axes = [position for position, (axis, _) in enumerate(outer) if axis == FOCAL_AXIS]
    by_moment = np.moveaxis(indices, focal_axes, range(-len(focal_axes), 0)).reshape(-1, planes)
    return [
        list(_planes(row.tolist(), moment, (number, like), scale)) for moment, row in enumerate(by_moment)
    ]


def _planes(indices: list[int], moment: int, of: tuple[int, Shot], scale: Scale) -> Iterator[Shot]:
    number, like = of
    for position, index in enumerate(indices):
        plane = like.plane if len(indices) == 1 else position - len(indices) // 2
        timed = math.isfinite(scale.interval_h)
        yield Shot(
            like.source,
            like.path,
            StackPlane(number, index),
            plane,
            time_h=hours(moment * scale.interval_h),
            time_reference=TimeReference.RECORDING if timed else TimeReference.UNKNOWN,
            um_per_px=scale.um_per_px,
            um_per_px_source=scale.um_per_px_source,
        )


def read_plane(path: Path, at: StackPlane, name: str, is_mask: bool = False) -> Image:
    """Decode one plane, ``(y, x)``. Raises UnreadableFrameError, beginning with ``name``.

    Black and white is for masks only: there is no embryo to be seen in it.
    """
    try:
        tiff = _tiff_of_this_thread(path)
        if not is_mask and tiff.series[at.series].keyframe.bitspersample == 1:
            raise UnreadableFrameError(f"{name}: {BLACK_AND_WHITE}")
        return read_pixels(tiff, at.series, at.index, name)
    except UnreadableFrameError:
        raise
    except OSError as error:
        raise UnreadableFrameError(
            f"{name}: cannot be read ({error.strerror or error}): check the disk"
        ) from error
    except Exception as error:
        raise UnreadableFrameError(
            f"{name}: cut short, damaged or in an unknown compression ({_first_line(error)}): "
            "export it again, uncompressed"
        ) from error


class _Opened(threading.local):
    """The TIFF that this thread read last: a file's position belongs to one thread."""

    key: tuple[str, int, int] | None = None
    tiff: tifffile.TiffFile | None = None


_opened = _Opened()


def _tiff_of_this_thread(path: Path) -> tifffile.TiffFile:
    status = path.stat()
    key = (str(path), status.st_size, status.st_mtime_ns)
    if _opened.tiff is None or _opened.key != key:
        if _opened.tiff is not None:
            _opened.tiff.close()
        _opened.tiff = None
        _opened.tiff, _opened.key = _open(path), key
    return _opened.tiff


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
