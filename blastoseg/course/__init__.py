"""Stage 7: one embryo over time."""
