"""Networks trained alike on one labelled set, and held against each other: the paper's tables on any data."""
