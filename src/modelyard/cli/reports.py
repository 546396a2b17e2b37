"""Cards and comparisons as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.cli.output import table
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_text
from modelyard.objects.source import Source
from modelyard.types.schema import Signature


def card_report(source: Source, form: str = "text") -> str:
    """A card as a short report, or as its YAML."""
    card = source.card
    if form == "yaml":
        return card_text(card).rstrip()
    lines = [head(source), *([card.description] if card.description else [])]
    lines += [f"  {name:<12} {text}" for name, text in facts(card).items() if text]
    if card.methods:
        lines += [
            "methods",
            *(f"  {line}" for m, s in card.methods.items() for line in method_lines(m, s)),
        ]
    if card.profile:
        shown = ["column_name", "original_dtype", "null_count", "unique_count"]
        lines += [
            "columns",
            *(f"  {line}" for line in table(list(card.profile), shown).splitlines()),
        ]
    return "\n".join(lines)


def head(source: Source) -> str:
    """The first line: what it is."""
    what = " ".join([*source.card.labels, source.card.flavor, source.card.kind]).strip()
    name = f"{source.name}@{source.version}" if source.version else source.ref or source.name
    return f"{name}: {what}"


def facts(card: Card) -> dict[str, str]:
    """One line a fact; empty ones are left out by the caller."""
    size = sum(f.size for f in card.artifact)
    form = card.format
    made = card.created
    commit = f" from {made.git}{' (changed)' if made.dirty else ''}" if made.git else ""
    return {
        "format": f"{form.name}, tier {form.tier}" + ("" if form.tier < 2 else ": runs code when loaded") if form else "",
        "artifact": f"{len(card.artifact)} file{'s' * (len(card.artifact) != 1)}, {size:,} bytes",
        "schema": str(card.schema.to_dict()) if card.schema is not None and not card.profile else "",
        "shape": " x ".join(map(str, card.shape)),
        "metrics": ", ".join(f"{k} {v:.4g}" for k, v in card.metrics.items()),
        "needs": ", ".join(card.requirements.packages),
        "system": ", ".join(card.requirements.system),
        "modules": ", ".join(card.requirements.modules),
        "saved": f"{made.at} by {made.by}{commit}, modelyard {made.modelyard}" if made.at else "",
        "digest": card.digest,
    }  # fmt: skip


def method_lines(name: str, signature: Signature) -> list[str]:
    """A method as ``predict(X: dataframe) -> array``, and a line a column."""
    args: list[str] = []
    columns: list[str] = []
    for argument, entry in signature.args.items():
        spelled = entry.type.to_dict()
        default = "" if entry.required else f" = {entry.default!r}"
        args.append(f"{argument}: {short_type(spelled)}{default}")
        named = spelled.get("columns")
        if isinstance(named, Mapping):
            columns += [f"    {column}: {dtype}" for column, dtype in named.items()]
    returns = short_type(signature.returns.to_dict()) if signature.returns else "?"
    return [f"{name}({', '.join(args)}) -> {returns}", *columns]


def short_type(spelled: Mapping[str, Any]) -> str:
    """A type in a few words.

    >>> short_type({"type": "array", "dtype": "float64", "shape": [None, 3]})
    'array float64 [*, 3]'
    """
    word = str(spelled.get("type"))
    if "columns" in spelled:
        return f"{word} of {len(spelled['columns'])} columns"
    dtype = f" {spelled['dtype']}" if isinstance(spelled.get("dtype"), str) else ""
    shape = spelled.get("shape")
    sizes = f" [{', '.join('*' if n is None else str(n) for n in shape)}]" if shape else ""
    return f"{word}{dtype}{sizes}"


def diff_report(found: Mapping[str, Any], a: str, b: str) -> str:
    """A comparison as lines."""
    if found["same"]:
        return f"{a} and {b} are the same"
    lines = [f"{a} -> {b}: schema {found['schema']}"]
    lines += [
        f"  {'BREAKING ' if d['breaking'] else ''}{d['where']}: {d['change']}" + (f" ({d['reason']})" if d["reason"] else "")
        for d in found["differences"]
    ]  # fmt: skip
    lines += [f"  {c['field']}: {c['from']} -> {c['to']}" for c in found["changes"]]
    return "\n".join(lines)
