"""``modelyard user …``."""
