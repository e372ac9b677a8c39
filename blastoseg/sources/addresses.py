"""Where in its file a frame is: an address a reader.

An address is plain, frozen and small, since it goes to the reading processes. Its ``key`` is text that tells
a frame apart from all others of its source and that stands in the ledger: written out here, so that no key
hangs on how Python shows an object. A key that changes makes the ledger forget what it knows of the frame.
"""

import json
from dataclasses import dataclass

from blastoseg.records import Address


@dataclass(frozen=True, slots=True)
class WholeImage:
    """A picture file. ``look_for_clock``: its hours may stand in its pixels, nothing stronger tells them."""

    look_for_clock: bool = False

    @property
    def key(self) -> str:
        return "image, clock" if self.look_for_clock else "image"


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A video's frame ``number``, from 0: ``length`` bytes at ``offset``. ``has_clock``: read its hours."""

    number: int
    offset: int
    length: int
    has_clock: bool

    @property
    def key(self) -> str:
        # Not the bytes' place: it follows from the file, whose content is part of a frame's key.
        return f"frame {self.number}, clock" if self.has_clock else f"frame {self.number}"


@dataclass(frozen=True, slots=True)
class SlidePicture:
    """The row of a slide file's table of pictures."""

    row: int

    @property
    def key(self) -> str:
        return f"row {self.row}"


@dataclass(frozen=True, slots=True)
class StackPlane:
    """The image ``index`` of the series ``series`` of a TIFF, both from 0."""

    series: int
    index: int

    @property
    def key(self) -> str:
        return f"series {self.series}, image {self.index}"


@dataclass(frozen=True, slots=True)
class LabelImage:
    """A label image: read as labels, not as a frame."""

    @property
    def key(self) -> str:
        return "label image"


@dataclass(frozen=True, slots=True)
class Nowhere:
    """What should hold frames and cannot be read: a folder, a damaged file, the lost end of a stack."""

    is_end: bool = False

    @property
    def key(self) -> str:
        return "lost end" if self.is_end else "unreadable"


@dataclass(frozen=True, slots=True)
class Plane:
    """One focal plane of a moment; ``path`` is relative to the folder of the first plane's file."""

    focal_plane: int | None
    source: str
    path: str
    address: Address


@dataclass(frozen=True, slots=True)
class SharpestOf:
    """A moment's focal planes, the one that stands for it first; the sharpest is chosen when it is read."""

    planes: tuple[Plane, ...]

    @property
    def key(self) -> str:
        # Not the paths: under pseudonyms the sources are hidden, and no name may enter the ledger.
        planes = [(plane.focal_plane, plane.source, plane.address.key) for plane in self.planes]
        return f"sharpest of {json.dumps(planes)}"
