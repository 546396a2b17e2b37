"""One array in numpy's format."""

from __future__ import annotations

import io

import numpy as np

from cases.formats.tables import ARRAYS, FRAMES, OTHER_ARRAYS, VALUES
from modelyard.objects.formats import npy
from modelyard.testing.formats import Case


def file_of(array: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def case() -> Case:
    return Case(
        format=npy,
        holds={**ARRAYS, **OTHER_ARRAYS},
        refuses={**FRAMES, **VALUES, "objects": np.array(["a", None], dtype=object)},
        broken={
            "nothing": (b"", "the npy cannot be read"),
            "text": (b"a,b\n1,2\n", "the npy cannot be read"),
            "objects": (
                file_of(np.array([{}, print], dtype=object), allow_pickle=True),
                "holds Python objects, which run code",
            ),
        },
        misfits={"shape": (file_of(np.zeros((2, 3))), ARRAYS["matrix"], "shape (any, 2)")},
        ends=True,
    )
