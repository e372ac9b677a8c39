"""Models: networks, cards, loading, and the segmenter that runs them. Importing this loads no torch."""
