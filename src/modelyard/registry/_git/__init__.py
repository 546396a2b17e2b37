"""What a registry of Git tags is made of: their grammar, reading them, events of them, writing them, sending them."""
