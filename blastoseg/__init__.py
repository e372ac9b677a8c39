"""blastoseg: batch segmentation and measurement of human blastocysts. For Research Use Only."""

__version__ = "0.1.0"

RESEARCH_USE_ONLY = "For Research Use Only. Not for use in diagnostic procedures."
"""As 21 CFR 809.10(c)(2)(i) words it: every output bears this sentence, and no other."""
