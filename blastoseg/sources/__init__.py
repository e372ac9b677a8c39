"""Stage 1: where frames come from. ``discover_frames`` finds them, ``read_frame`` decodes one."""

from blastoseg.sources.discovery import Discovery, Problem, discover_frames
from blastoseg.sources.isolated import IsolatedReaders
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.reading import files_of, read_frame, refs_to_choose_from

__all__ = [
    "Discovery",
    "IsolatedReaders",
    "Problem",
    "SourceOptions",
    "discover_frames",
    "files_of",
    "read_frame",
    "refs_to_choose_from",
]

REVISION = 2
"""To be raised by whoever changes what a frame's pixels, hours or pixel size are read as."""
