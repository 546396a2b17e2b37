"""What may stand in a ``.keras`` file: names that its config may give, and what its archive and its weights may be."""
