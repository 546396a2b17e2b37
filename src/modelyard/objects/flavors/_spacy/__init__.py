"""What may stand in the folder of a spaCy pipeline: names that its config may give, and what its numbers may be."""
