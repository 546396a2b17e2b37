"""``modelyard ci …``."""
