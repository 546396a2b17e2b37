"""Tracking: what happened in runs. `interface.Tracker` is the contract, `sql.SqlTracker` keeps it in a database.

>>> from modelyard.stores.rows import connect
>>> from modelyard.tracking.interface import Batch, Metric
>>> from modelyard.tracking.sql import SqlTracker
>>> with connect("sqlite://") as database:
...     tracker = SqlTracker(database)
...     run = tracker.create_run(0, name="first")
...     tracker.write(run.run_id, Batch(metrics=[Metric("acc", 0.9, at_ms=1)], params={"depth": "3"}))
...     tracker.run(run.run_id).params
{'depth': '3'}
"""
