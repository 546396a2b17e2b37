"""Searches of runs, experiments and logged models: MLflow's language and more, as one page at a time.

The functions give ids of rows in order, and the token of the next page; `modelyard.stores.rows.search` says how.
"""

from __future__ import annotations

from modelyard.tracking.search.experiments import count_experiments, search_experiments
from modelyard.tracking.search.models import count_models, search_models
from modelyard.tracking.search.runs import count_runs, search_runs

__all__ = [
    "count_experiments",
    "count_models",
    "count_runs",
    "search_experiments",
    "search_models",
    "search_runs",
]
