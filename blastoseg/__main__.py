"""``python -m blastoseg``: the command, where its script is not on the path."""

from blastoseg.cli import main

main()
