"""Searches of runs, experiments and logged models: MLflow's language and more, as one page at a time.

The functions of `experiments`, `runs` and `models` give ids of rows in order, and the token of the next page;
`modelyard.stores.rows.search` says how.
"""
