"""Frames and masks of a report as other tools read them: one file a format, by the library that owns it."""
