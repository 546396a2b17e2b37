"""skops files that name more than our allow-list, and bytes that are none."""

from __future__ import annotations

from typing import Any

import skops.io
from sklearn.linear_model import Ridge


class Doubled(Ridge):
    """An estimator of one's own."""

    def predict(self, X: Any) -> Any:
        return 2 * super().predict(X)


def written() -> bytes:
    return skops.io.dumps(Doubled().fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0]))


NAMES = [f"{__name__}.Doubled (not on the allow-list)"]

BROKEN = {
    "nothing": (b"", "makes no object"),
    "text": (b"hello", "makes no object"),
    "a class that is not here": (
        written().replace(b"Doubled", b"Tripled"),
        "makes no object",
    ),
}
