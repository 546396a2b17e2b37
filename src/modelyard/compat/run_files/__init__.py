"""Runs as other tools keep them in files: one file for each, named after it, found by name (`modelyard.yard.run_files`)."""
