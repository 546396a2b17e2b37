"""What every layer shares: errors, references, settings, plugin lookup, events, clock, digests, paths. Standard library only."""
