"""The networks: torch only, they know no files, no devices and no images. ``registry`` has them by name."""
