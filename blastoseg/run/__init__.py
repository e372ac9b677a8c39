"""A run over a folder: what it is asked, how frames stream through, what it writes and remembers."""
