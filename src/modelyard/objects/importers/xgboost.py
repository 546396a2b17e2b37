"""Boosters that XGBoost wrote by ``save_model``: UBJ or JSON."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput
from modelyard.objects.importers import begins, model_source
from modelyard.objects.source import Source

NAME = "xgboost"

SUFFIXES = (".ubj", ".json", ".xgb", ".bst", ".model", ".xgboost")
_UBJ = (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner", b"{L\x00\x00\x00\x00\x00\x00\x00\x07version")
_OLD = (b"binf", b"bs64")


def recognises(path: Path) -> bool:
    """By its suffix and how it begins; other JSON is data."""
    if begins(path, SUFFIXES, *_UBJ, *_OLD):
        return True
    if not begins(path, SUFFIXES, b"{"):
        return False
    with path.open("rb") as stream:
        head = stream.read(256).replace(b" ", b"").replace(b"\n", b"")
    return head.startswith((b'{"learner":{', b'{"version":['))


def source(path: Path) -> Source:
    """A booster."""
    with path.open("rb") as stream:
        if stream.read(4) in _OLD:
            raise InvalidInput(
                f"{path} is in XGBoost's older binary format, which the library itself reads no longer",
                hint="write it again with the version that made it: booster.save_model('model.ubj')",
            )
    return model_source(path, "xgboost", "ubj")
