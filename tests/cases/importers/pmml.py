"""PMML documents as they come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases.flavors.pypmml import DOCUMENT, ROWS, document_of
from modelyard.objects.formats._pmml.scoring import predict
from modelyard.objects.importers import pmml as importer
from modelyard.testing.importers import Foreign, ImporterCase


def written(path: Path) -> Callable[[Any], Any]:
    path.write_text(DOCUMENT, "utf-8")
    return lambda rows: predict(document_of(DOCUMENT)(), rows)


def case() -> ImporterCase:
    entity = b'<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/hostname">]><PMML>&e;</PMML>'
    return ImporterCase(
        importer=importer,
        files={"regression": Foreign("prices.pmml", written, "pmml", 0, "pypmml", ROWS)},
        strangers={"m.xml": DOCUMENT.encode()},
        broken={
            "entity.pmml": (entity, "DOCTYPE"),
            "cut.pmml": (DOCUMENT[:300].encode(), "no XML"),
            "other.pmml": (b"<html/>", "'html'"),
            "none.pmml": (b"<PMML><Header/></PMML>", "no model"),
            "unreadable.pmml": (
                b"<PMML version='4.4'><DataDictionary/><TreeModel/></PMML>",
                "Java finds no model",
            ),
        },
        never_imported=["pypmml", "py4j"],
    )
