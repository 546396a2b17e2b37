"""What the flavor ``torch`` is made of: how modules are called, and how they are written."""
