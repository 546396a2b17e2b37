"""Who comes in, how often, from where, and the note of it: what every request passes before a protocol reads it."""
