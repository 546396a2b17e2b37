"""``modelyard runs``."""
