"""Stage 1: where frames come from. ``discover_frames`` finds them, ``read_frame`` decodes one."""

from blastoseg.sources.discovery import Discovery, Problem, discover_frames
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.reading import read_frame

__all__ = ["Discovery", "Problem", "SourceOptions", "discover_frames", "read_frame"]
