"""Rows and targets that boosters are fitted on."""

from __future__ import annotations

import numpy as np

ROWS = np.random.default_rng(5).normal(size=(40, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)
