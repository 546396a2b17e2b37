"""``modelyard token …``."""
