"""What our work costs beside our peers' and beside the raw limit. Measured by hand, never as a test; see README.md."""
