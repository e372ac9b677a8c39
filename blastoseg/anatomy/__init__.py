"""Stage 4: labels that a blastocyst can have. Pure."""

from blastoseg.anatomy.cleaning import clean_labels, tidy_labels

__all__ = ["clean_labels", "tidy_labels"]

REVISION = 4
"""To be raised by whoever changes the labels that come of probabilities."""
