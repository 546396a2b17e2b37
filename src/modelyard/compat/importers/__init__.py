"""What other products saved, opened as if it had a card: one file for each, named after it.

They are importers as `modelyard.objects.importers` describes them, found by name.
"""
