"""What measures of a model are made of: numbers in files, tables in files, and which files those are."""
