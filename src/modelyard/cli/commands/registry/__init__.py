"""``modelyard registry …``."""
