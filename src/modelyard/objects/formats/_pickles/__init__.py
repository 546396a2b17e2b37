"""Pickles read without running them: `machine` follows the instructions, `building` makes what is on the allow-list."""
