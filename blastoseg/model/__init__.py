"""Models: networks, cards, loading, and the segmenter that runs them. Importing this loads no torch."""

REVISION = 1
"""To be raised by whoever changes what a network answers to a crop, with the same weights."""
