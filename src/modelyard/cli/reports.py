"""Cards and comparisons as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.cli.model_card import model_card
from modelyard.cli.output import cell, table
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_text
from modelyard.objects.source import Source
from modelyard.types.schema import Signature


def card_report(source: Source) -> str:
    """A card as a short report."""
    card = source.card
    lines = [head(source), *([card.description] if card.description else [])]
    lines += [f"  {name:<12} {text}" for name, text in facts(card).items() if text]
    if (git := source.provenance.get("git")) is not None:
        lines.append(f"  {'commit':<12} {git['commit']} ({git['rev']} of {git['repo']})")
    if card.methods:
        lines += ["methods", *(f"  {line}" for line in all_method_lines(card.methods))]
    if card.profile:
        lines += ["columns", *(f"  {line}" for line in profile_lines(card.profile))]
    return "\n".join(lines)


def card_yaml(source: Source) -> str:
    """The card itself."""
    return card_text(source.card).rstrip()


FORMS: Mapping[str, Callable[[Source], str]] = {
    "text": card_report,
    "yaml": card_yaml,
    "md": model_card,
}
"""What ``--format`` of show takes."""


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
    by = f" by {made.by}" if made.by else ""
    version = f", modelyard {made.modelyard}" if made.modelyard else ""
    return {
        "format": f"{form.name}, tier {form.tier}" + ("" if form.tier < 2 else ": runs code when loaded") if form else "",
        "artifact": f"{len(card.artifact)} file{'s' * (len(card.artifact) != 1)}, {size:,} bytes",
        "schema": str(card.schema.to_dict()) if card.schema is not None and not card.profile else "",
        "shape": " x ".join(map(str, card.shape)),
        "metrics": cell(dict(card.metrics)) if card.metrics else "",
        "needs": ", ".join(card.requirements.packages),
        "system": ", ".join(card.requirements.system),
        "modules": ", ".join(card.requirements.modules),
        "saved": f"{made.at}{by}{commit}{version}" if made.at else "",
        "digest": card.digest,
    }  # fmt: skip


def all_method_lines(methods: Mapping[str, Signature]) -> list[str]:
    """Every method; columns that were listed before are not listed again."""
    lines: list[str] = []
    listed: dict[str, str] = {}
    for name, signature in methods.items():
        first, *columns = method_lines(name, signature)
        key = "\n".join(columns)
        lines.append(first)
        if key and key in listed:
            lines.append(f"    the columns of {listed[key]}")
        else:
            lines += columns
            listed[key] = name
    return lines


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
            columns += [f"    {column}: {_dtype(dtype)}" for column, dtype in named.items()]
    if signature.extra is not None:
        args.append("**")
    returns = short_type(signature.returns.to_dict()) if signature.returns else "?"
    return [f"{name}({', '.join(args)}) -> {returns}", *columns]


def _dtype(spelled: Any) -> str:
    return short_type(spelled) if isinstance(spelled, Mapping) else str(spelled)


def profile_lines(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a table as a table."""
    return table(profile_rows(columns)).splitlines() if columns else []


def profile_rows(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What people want to know of a column; the whole profile is in the JSON."""
    return [
        {
            "column": c.get("column_name"),
            "type": c.get("original_dtype"),
            "missing": c.get("null_count"),
            "distinct": c.get("unique_count"),
            "min": c.get("min", c.get("min_value_num")),
            "median": (c.get("quantiles") or {}).get("p50"),
            "max": c.get("max", c.get("max_value_num")),
            "most frequent": [f"{t['value']} ({t['count']})" for t in (c.get("top") or [])[:3]],
        }
        for c in columns
    ]


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
    lines = [f"{a} -> {b}: {found['result']}, schema {found['schema']}"]
    for d in found["differences"]:
        mark, reason = "BREAKING " * d["breaking"], f" ({d['reason']})" if d["reason"] else ""
        lines.append(f"  {mark}{d['where']}: {d['change']}{reason}")
    lines += [f"  {c['field']}: {cell(c['from'])} -> {cell(c['to'])}" for c in found["changes"]]
    return "\n".join(lines)
