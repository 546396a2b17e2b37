"""Runs that log themselves: training functions of libraries are wrapped, and what they do is written to a run.

The rules that all of them keep are kept here, in one place (`wrapping.py`): nothing of ours raises into the training, the
user's own exception passes unchanged, a call within a logged call is not logged again, and all is as it was after
``autolog(disable=True)``.
"""
