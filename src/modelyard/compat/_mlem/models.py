"""Models: which of our formats reads what MLEM wrote, and a card that says what it said.

A model alone, written by a library in its own way, is read by that library's own format here; so it needs no trust. A
function, a model with pre- or post-processors, and what no format of ours reads go to the format ``mlem``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import MissingExtra, UnsupportedFormat
from modelyard.compat._mlem.embedded import embedded_modules
from modelyard.compat._mlem.files import present
from modelyard.compat._mlem.kinds import signature
from modelyard.compat._mlem.layout import CALL, MAIN, Meta
from modelyard.compat._mlem.needs import requirements_of
from modelyard.objects.assembled import ALONE, Piece, Pieces, assemble
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.formats._mlem.pickles import needs_dill, pickled_names
from modelyard.objects.formats._mlem.plan import (
    DEFAULT_IO,
    FILE,
    NATIVE,
    OLD_BINARY,
    Plan,
    Step,
)
from modelyard.objects.importers.pickle import pickle_format
from modelyard.objects.load import MODULES
from modelyard.objects.native import reading_format
from modelyard.objects.source import Source
from modelyard.types.schema import Signature

SKLEARN = ("sklearn", "sklearn_pipeline", "sklearn_transformer")
FLAVORS: Mapping[str, str] = {
    **dict.fromkeys(SKLEARN, "sklearn"),
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "torch": "torch",
    "tf_keras": "keras",
    "onnx": "onnx",
    "callable": "callable",
}
"""MLEM's type of model -> our flavor."""


def model_source(meta: Meta) -> Source:
    """The model that a file describes."""
    plan = plan_of(meta)
    found = present(meta)
    code, modules = embedded_modules(meta)
    info, flavor, pieces = _format(meta, plan, found)
    if code:
        pieces = {_in_folder(name): piece for name, piece in pieces.items()}
        pieces |= {MODULES + path: data for path, data in code.items()}
    names = list(info.reasons)
    if info.tier == 2 and not names:
        names = pickled_names(pieces, plan if FILE in pieces else None)
        names += [f"written by {way}" for way in plan.code()]
    reasons = (*names[:15], *(f"module {m}" for m in modules[:5]))
    if modules or reasons:
        info = FormatInfo(info.name, 2, reasons)
    more = ("dill",) if needs_dill(names) else ()
    card = Card(
        flavor=flavor,
        format=info,
        methods=methods_of(meta, plan),
        requirements=requirements_of(meta, modules, more),
    )
    return assemble(with_words(card, meta), pieces, meta.name, meta.label)


def with_words(card: Card, meta: Meta) -> Card:
    """Description and labels where a card has them; all other params are its metadata."""
    params = dict(meta.params)
    described, labels = params.pop("description", None), params.pop("labels", None)
    if described is not None and not isinstance(described, str):
        params["description"] = described
    listed = isinstance(labels, list) and all(isinstance(word, str) for word in labels)
    if labels is not None and not listed:
        params["labels"] = labels
    return card.but(
        description=described if isinstance(described, str) else "",
        labels=tuple(labels) if listed and labels is not None else (),
        metadata=params,
    )


def plan_of(meta: Meta) -> Plan:
    """How the parts of a model are read and called."""
    given = meta.mapping("processors", meta.fields.get("processors"))
    steps = {str(n): _step(meta, f"processors.{n}", p) for n, p in given.items()}
    if MAIN not in steps:
        raise meta.refuse("processors", "none is called 'model'")
    orders: dict[str, list[tuple[str, str]]] = {}
    for method, chain in meta.mapping("call_orders", meta.fields.get("call_orders")).items():
        where = f"call_orders.{method}"
        orders[str(method)] = [
            _link(meta, where, steps, link) for link in meta.sequence(where, chain)
        ]
    if not orders:
        orders = {name: [(MAIN, name)] for name in steps[MAIN].methods}
    return Plan(steps, orders)


def _step(meta: Meta, where: str, spelled: Any) -> Step:
    fields = meta.mapping(where, spelled)
    kind = meta.text(f"{where}.type", fields.get("type"))
    if kind not in FLAVORS:
        raise meta.refuse(
            f"{where}.type",
            f"{kind!r} is none of {', '.join(FLAVORS)}",
            "nothing is imported to find out what it may be",
        )
    io = fields.get("io")
    io = {"type": io} if isinstance(io, str) else meta.mapping(f"{where}.io", io)
    methods = meta.mapping(f"{where}.methods", fields.get("methods"))
    names = {str(n): str(meta.mapping(where, m).get("name") or n) for n, m in methods.items()}
    return Step(kind, {"type": DEFAULT_IO[kind], **io}, names, methods)


def _link(meta: Meta, where: str, steps: Mapping[str, Step], link: Any) -> tuple[str, str]:
    pair = meta.sequence(where, link)
    if len(pair) != 2 or pair[0] not in steps or pair[1] not in steps[pair[0]].methods:
        raise meta.refuse(where, f"{link!r} is no processor and one of its methods")
    return str(pair[0]), str(pair[1])


def public_name(method: str) -> str:
    """What a method is called here: a function has one, ``predict``."""
    return "predict" if method == CALL else method


def methods_of(meta: Meta, plan: Plan) -> dict[str, Signature]:
    """Public name -> what the whole chain takes first and gives last; nothing of a SavedModel, which tells itself."""
    if plan.steps[MAIN].io.get("save_format") == "tf" and len(plan.steps) == 1:
        return {}
    return {public_name(name): _whole(plan, chain) for name, chain in plan.orders.items()}


def _whole(plan: Plan, chain: Sequence[tuple[str, str]]) -> Signature:
    signatures = [_signature(plan.steps[step], method) for step, method in chain]
    if len(signatures) == 1:
        return signatures[0]
    first = dict(list(signatures[0].args.items())[:1])  # one value goes through, and no more
    return Signature(first, signatures[-1].returns)


SAVED_MODEL = "a SavedModel: its graphs can read and write files"

_BOOSTERS = ("xgboost", "lightgbm", "catboost")
_GONE = ("ntree_limit", "data_has_header")
"""Options that newer versions of these libraries do not have."""


def _signature(step: Step, method: str) -> Signature:
    found = signature(step.spelled[method])
    if step.kind == "onnx":  # MLEM gave all outputs as a list
        return Signature(found.args)
    if step.kind not in _BOOSTERS:
        return found
    return Signature({n: a for n, a in found.args.items() if n not in _GONE}, found.returns)


def _format(meta: Meta, plan: Plan, found: Mapping[str, Piece]) -> tuple[FormatInfo, str, Pieces]:
    if set(plan.steps) != {MAIN}:
        return FormatInfo("mlem", 2), "callable", _planned(plan, found)
    step = plan.steps[MAIN]
    if step.io["type"] == "pickle":
        pieces: Pieces = {ALONE: found["data.pkl"]} if list(found) == ["data.pkl"] else found
        return FormatInfo("mlem", 2), FLAVORS[step.kind], pieces
    if step.io.get("save_format") == "tf":
        return FormatInfo("savedmodel", 2, (SAVED_MODEL,)), "tensorflow", found
    data = found.get("data")
    if data is None and step.io["type"] != "tf_keras":
        raise meta.refuse("artifacts", f"a model of type {step.kind} needs the file 'data'")
    if data is not None and list(found) == ["data"] and (own := _own_format(step, data)):
        return own, FLAVORS[step.kind], {ALONE: data}
    alone = {f"{MAIN}/{key}": piece for key, piece in found.items()}
    return FormatInfo("mlem", 2), FLAVORS[step.kind], _planned(plan, alone)


def _planned(plan: Plan, pieces: Mapping[str, Piece]) -> Pieces:
    text = json.dumps(plan.to_plain(), sort_keys=True).encode()
    return {FILE: text, **pieces}


def _own_format(step: Step, data: Piece) -> FormatInfo | None:
    """Our format that reads this very file, if there is one."""
    way = str(step.io["type"])
    if way == "simple_pickle":
        return pickle_format(data.root.joinpath(*data.path.split("/")))
    if way not in NATIVE or (way == "xgboost_io" and _starts(data, OLD_BINARY)):
        return None
    flavor, name = NATIVE[way]
    try:
        reader = reading_format(name, flavor)
    except (UnsupportedFormat, MissingExtra):
        return None
    return FormatInfo(reader.NAME, reader.TIER)


def _starts(data: Piece, magic: bytes) -> bool:
    with data.open() as stream:
        return stream.read(len(magic)) == magic


def _in_folder(name: str) -> str:
    return "data.pkl" if name == ALONE else name
