"""blastoseg: batch segmentation and measurement of human blastocysts. Research use only."""

__version__ = "0.1.0"

RESEARCH_USE_ONLY = "Research use only. Not for diagnostic procedures."
