"""A model card in Markdown: what a reader wants to know before using a model, from its card alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.cli.output import cell
from modelyard.objects.card import Card
from modelyard.objects.sampling import required_arguments, sample_arguments
from modelyard.objects.source import Source
from modelyard.types.binary import binary, binary_items
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

TIERS = (
    "0: data only. Loading it runs no code.",
    "1: allow-listed constructors. Loading it runs no code of the file.",
    "2: **loading it runs code.** It loads where somebody trusts its digest.",
)
LONGEST_EXAMPLE = 2_000


def model_card(source: Source) -> str:
    """The whole card; every text of it is escaped, so that it stays text."""
    card = source.card
    ref = f"{source.name}@{source.version}" if source.version else source.ref or source.name
    what = " ".join([*card.labels, card.flavor, card.kind]).strip()
    lines = [f"# {escaped(ref)}", "", f"{escaped(what[:1].upper() + what[1:])}."]
    lines += ["", escaped(card.description)] if card.description else []
    sections = {
        "Use it": _usage(card, ref),
        "Methods": _methods(card.methods),
        "Data": _data(card),
        "Metrics": _table(["metric", "value"], [[k, cell(v)] for k, v in card.metrics.items()]),
        "Requirements": _requirements(card),
        "Safety": _safety(card),
        "Origin": _origin(card),
    }
    for title, text in sections.items():
        lines += ["", f"## {title}", "", *text] if text else []
    return "\n".join(lines)


def escaped(text: str) -> str:
    """A text that Markdown and HTML leave as it is, also in a table."""
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for sign in "|`*_[]#":
        text = text.replace(sign, f"\\{sign}")
    return " \n".join(line for line in text.splitlines() if line.strip())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    one_line = (" ".join(escaped(c).split()) for row in rows for c in row)
    width = len(head)
    cells = list(one_line)
    return lines + [f"| {' | '.join(cells[i : i + width])} |" for i in range(0, len(cells), width)]


def _fenced(language: str, lines: Sequence[str]) -> list[str]:
    # A fence is longer than any run of backticks within it.
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return [f"{fence}{language}", *lines, fence]


# -- how to use it


def _usage(card: Card, ref: str) -> list[str]:
    if card.kind == "data":
        return _fenced("python", ["import modelyard as my", "", f"data = my.load({ref!r})"])
    if not card.methods:
        return _fenced("python", ["import modelyard as my", "", f"model = my.load({ref!r})"])
    method = next(
        (m for m in ("predict", "transform") if m in card.methods), next(iter(card.methods))
    )
    signature = card.methods[method]
    files = takes_files(signature)
    data = "file.bin" if files else "new.csv"
    call = [f"model = my.load({ref!r})", *_call(card, method)]
    if files:
        call = [f"my.apply({ref!r}, {data!r}, method={method!r})"]
    python = ["import modelyard as my", "", *call]
    word, place = shlex.quote(ref), "" if method == "predict" else f" -m {shlex.quote(method)}"
    shell = [f"modelyard apply {word} {data}{place}", f"modelyard serve {word}"]
    url = f"http://127.0.0.1:8080/{method}"
    if files:
        shell.append(f"curl {url} -F file=@{data}")
    elif (body := _sample(card, signature)) is not None:
        shell.append(f"curl {url} -H 'Content-Type: application/json' -d {shlex.quote(body)}")
    return [*_fenced("python", python), "", *_fenced("sh", shell)]


def takes_files(signature: Signature) -> bool:
    """Whether the first argument that must be given is a file, or a list of them."""
    names = required_arguments(signature)
    kind = signature.args[names[0]].type if names else None
    return binary(kind) is not None or binary_items(kind) is not None


def _call(card: Card, method: str) -> list[str]:
    """A call of the method that runs as pasted, where the sample says enough."""
    signature = card.methods[method]
    call = "model" if card.flavor == "callable" and method == "predict" else f"model.{method}"
    names = required_arguments(signature)
    sample = _values(card, signature)
    lines: list[str] = []
    words: list[str] = []
    for name in names:
        kind, value = signature.args[name].type, sample.get(name)
        shown = json.dumps(value, ensure_ascii=False) if value is not None else ""
        if value is None or len(shown) > LONGEST_EXAMPLE:
            words.append(f"{name}=…" if len(names) > 1 else "…")
        elif kind.kind == "dataframe":
            lines += ["", "import pandas as pd", f"{name} = pd.DataFrame({value!r})"]
            words.append(name)
        elif kind.kind == "array":
            lines += ["", "import numpy as np", f"{name} = np.array({value!r})"]
            words.append(name)
        elif kind.kind in ("integer", "number", "string", "boolean", "list", "dict", "null"):
            words.append(repr(value))
        else:
            words.append("…")
    return [*lines, f"{call}({', '.join(words)})"]


def _values(card: Card, signature: Signature) -> dict[str, Any]:
    try:
        found = sample_arguments(card.sample, signature)
    except (TypeError, ValueError):
        return {}
    # One row shows the shape as well as five do.
    return {
        n: v[:1] if isinstance(v, list) and len(v) > 1 and _is_rows(signature, n) else v
        for n, v in found.items()
    }


def _is_rows(signature: Signature, name: str) -> bool:
    return name in signature.args and signature.args[name].type.kind in ("dataframe", "array")


def _sample(card: Card, signature: Signature) -> str | None:
    values = {n: v for n, v in _values(card, signature).items() if n in signature.args}
    needed = required_arguments(signature)
    if not values or not set(needed) <= set(values):
        return None
    body = values[needed[0]] if set(values) == set(needed[:1]) else values
    text = json.dumps(body, ensure_ascii=False)
    return text if len(text) <= LONGEST_EXAMPLE else None


# -- what it takes and gives


def _methods(methods: Mapping[str, Signature]) -> list[str]:
    lines: list[str] = []
    shown: dict[str, str] = {}
    for method, signature in methods.items():
        lines += [""] * bool(lines)
        lines += [f"### {escaped(method)}", "", *_arguments(signature)]
        for name, argument in signature.args.items():
            rows = _columns(argument.type)
            key = json.dumps(rows)
            if rows and key in shown:
                lines += ["", f"{escaped(name)} has the columns of {escaped(shown[key])}."]
            elif rows:
                shown[key] = f"{method}.{name}"
                head = ["column", "type", "missing values", "values"]
                lines += ["", f"Columns of {escaped(name)}:", "", *_table(head, rows)]
    return lines


def _arguments(signature: Signature) -> list[str]:
    rows = [
        [n, _words(a.type), "" if a.required else f"optional, {json.dumps(a.default, default=str)}"]
        for n, a in signature.args.items()
    ]
    if signature.extra is not None:
        rows.append(["**", _words(signature.extra), "further named arguments"])
    returns = _words(signature.returns) if signature.returns is not None else "not known"
    return _table(["argument", "type", ""], [*rows, ["returns", returns, ""]])


def _words(kind: DataType) -> str:
    from modelyard.cli.reports import short_type

    spelled = kind.to_dict()
    inner = spelled.get("of") if spelled["type"] == "optional" else spelled.get("items")
    if isinstance(inner, dict | str) and spelled["type"] in ("optional", "list", "set"):
        word = inner if isinstance(inner, str) else short_type(inner)
        return (
            f"{word} or null" if spelled["type"] == "optional" else f"{spelled['type']} of {word}"
        )
    if spelled["type"] == "choice":
        return "one of " + ", ".join(map(repr, spelled["of"]))
    if isinstance(fields := spelled.get("fields"), dict):
        return f"{spelled.get('name') or spelled['type']} with {', '.join(fields)}"
    return short_type(spelled)


def _columns(kind: DataType) -> list[list[str]]:
    columns = getattr(kind, "columns", None)
    if not isinstance(columns, Mapping):
        return []
    return [
        [
            str(name),
            c.dtype,
            "allowed" if c.takes_missing else "",
            ", ".join(map(str, c.categories)),
        ]
        for name, c in columns.items()
    ]


def _data(card: Card) -> list[str]:
    if card.kind != "data":
        return []
    from modelyard.cli.reports import profile_rows

    rows = profile_rows(card.profile)
    shape = [f"{' x '.join(f'{n:,}' for n in card.shape)}."] if card.shape else []
    if rows:
        return [*shape, "", *_table(list(rows[0]), [[cell(v) for v in r.values()] for r in rows])]
    spelled = card.schema.to_dict() if card.schema is not None else {}
    return [*shape, f"Type: {escaped(str(spelled))}"]


# -- what it needs, and where it comes from


def _requirements(card: Card) -> list[str]:
    needs = card.requirements
    rows = {
        "Python": needs.python or "",
        "packages": ", ".join(needs.packages),
        "system": ", ".join(needs.system),
        "own code": ", ".join(needs.modules),
    }
    return [f"- {name}: {escaped(text)}" for name, text in rows.items() if text]


def _safety(card: Card) -> list[str]:
    if card.format is None:
        return []
    lines = [f"Written as {escaped(card.format.name)}, tier {TIERS[card.format.tier]}"]
    reasons = [f"- {escaped(reason)}" for reason in card.format.reasons]
    return [*lines, *(["", "Code in it:", "", *reasons] if reasons else [])]


def _origin(card: Card) -> list[str]:
    made, size = card.created, sum(f.size for f in card.artifact)
    files = f"{len(card.artifact)} file{'s' * (len(card.artifact) != 1)}, {size:,} bytes"
    commit = f"{made.git}{' (with changes)' if made.dirty else ''}" if made.git else ""
    rows = {
        "saved": " by ".join(filter(None, (made.at, made.by))),
        "commit": commit,
        "modelyard": made.modelyard,
        "files": files,
        "digest": card.digest,
        **{str(k): cell(v) for k, v in card.metadata.items()},
    }
    return _table(["", ""], [[k, v] for k, v in rows.items() if v])
