"""Arrays by name in a zip."""

from __future__ import annotations

import io

import numpy as np

from cases.formats.tables import ARRAYS, FRAMES, OTHER_ARRAYS, VALUES
from modelyard.objects.formats import npz
from modelyard.testing.formats import Case


def file_of(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


OBJECTS = np.array([{}, print], dtype=object)


def case() -> Case:
    several = {"X": ARRAYS["matrix"], "file": ARRAYS["texts"]}
    return Case(
        format=npz,
        holds={**ARRAYS, **OTHER_ARRAYS, "several": several, "one": {"X": ARRAYS["matrix"]}},
        refuses={**FRAMES, **VALUES, "objects": np.array(["a", None], dtype=object)},
        broken={
            "nothing": (b"", "the npz cannot be read"),
            "text": (b"a,b\n1,2\n", "the npz cannot be read"),
            "objects": (file_of(a=OBJECTS), "holds Python objects, which run code"),
            "no array": (file_of(), "the npz holds no array"),
        },
        misfits={
            "several": (
                file_of(X=np.zeros((2, 2)), y=np.zeros(2)),
                ARRAYS["matrix"],
                "the npz holds 2 arrays: X, y",
            )
        },
        ends=True,
    )
