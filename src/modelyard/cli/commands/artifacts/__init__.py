"""``modelyard artifacts``."""
