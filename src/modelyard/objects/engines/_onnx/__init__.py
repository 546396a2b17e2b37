"""From a fitted model to a graph that is proven to answer as it does: candidates, rows to prove them on, calls."""
