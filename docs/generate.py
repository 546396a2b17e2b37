"""Write the reference pages from the code: ``python docs/generate.py``. A test fails when they are not up to date."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import modelyard
from modelyard.base import plugins
from modelyard.base.config import DEFAULTS, MEANINGS, SETTINGS, USER_SETTINGS, VARIABLES
from modelyard.base.errors import TABLE, ModelyardError
from modelyard.cli.catalog import ALIASES, SECTIONS
from modelyard.cli.program import program
from modelyard.objects.native import model_format
from modelyard.serving.entry.json_web_tokens import JwtSettings
from modelyard.serving.interface import Batching, Jobs, Limits
from modelyard.types import KIND_FILES, from_hint, infer, parse
from modelyard.types.interface import DataType

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py: change the code, then run it. -->\n"


# Commands


def commands_page() -> str:
    """Every command with its options and examples, in the order of ``modelyard --help``."""
    top = program()
    context = click.Context(top, info_name="modelyard")
    parts = [NOTE, "# Commands\n", COMMANDS_TEXT]
    for title, entries in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in entries:
            command = top.get_command(context, name)
            assert command is not None
            parts += sections(command, click.Context(command, info_name=name, parent=context))
    return "\n".join([*parts, builders_text(), server_text()])


def sections(command: click.Command, context: click.Context) -> Iterator[str]:
    """One command, or those of a group."""
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from sections(found, click.Context(found, info_name=inner, parent=context))
        return
    text, _, examples = inspect.cleandoc(command.help or "").partition("\b\nExamples:\n")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [line.strip() for line in examples.splitlines()]
    yield f"### {context.command_path}\n"
    yield f"```text\n{usage}\n```\n\n{text.strip()}\n"
    yield option_table(command, context)
    yield "```console\n" + "\n".join(f"$ {line}" for line in lines if line) + "\n```\n"


def option_table(command: click.Command, context: click.Context) -> str:
    """The options that help shows."""
    rows = [p.get_help_record(context) for p in command.params if isinstance(p, click.Option)]
    shown = [f"| `{escaped(row[0])}` | {escaped(row[1])} |" for row in rows if row]
    return "\n".join(["| Option | |", "|---|---|", *shown, ""]) if shown else ""


def escaped(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace("|", "\\|")


COMMANDS_TEXT = f"""\
`modelyard COMMAND --help` says the same in the terminal; `my` is short for `modelyard`.

- Data goes to stdout, all else to stderr. Every command that prints takes `--json`; nothing is cut when it is piped.
- An error is one line, and a hint: `error: …`, `Hint: …`; with `--json` an object on stderr. `MODELYARD_DEBUG=1` shows where.
- Exit codes: 0 ok · 1 failed · 2 usage · 3 not found · 4 not allowed · 5 conflict · 6 a check failed · 7 unreachable · 130 interrupted.
- What asks takes `--yes`, and never asks when nobody is at the keyboard.
- `--project FOLDER` works in another folder's project. `--rev` is for a later version, as Git references are.
- {", ".join(f"`{word}`" for word in ALIASES)} are understood as {", ".join(f"`{ALIASES[word]}`" for word in ALIASES)}.

The shell completes commands, options, saved objects and registered names:

```console
$ eval "$(_MODELYARD_COMPLETE=bash_source modelyard)"     # bash; zsh_source and fish_source for the others
```
"""


def builders_text() -> str:
    """The builders, and the options of each."""
    lines = ["## Builders\n", "Options of `modelyard build REF BUILDER`, as `--KEY VALUE` or `-c KEY=VALUE`.\n"]  # fmt: skip
    lines += ["| Builder | Option | |", "|---|---|---|"]
    for name in plugins.names("builders"):
        options = plugins.load("builders", name).OPTIONS or {"": "It has none."}
        lines += [f"| {name} | {f'`{key}`' if key else ''} | {text} |" for key, text in options.items()]  # fmt: skip
    return "\n".join([*lines, ""])


def server_text() -> str:
    """The servers, and their options."""
    name, *others = sorted(plugins.names("servers"), key=lambda n: n != "fastapi")
    lines = ["## Servers\n", f"Options of `modelyard serve REF {name}`, as `--KEY VALUE`, `-c KEY=VALUE` or the setting `serve.KEY`.\n"]  # fmt: skip
    lines += ["| Option | Default |", "|---|---|"]
    for table in (Limits, Batching, Jobs):
        for field in dataclasses.fields(table):
            lines.append(f"| `{table.__name__.lower()}.{field.name}` | {json.dumps(field.default)} |")  # fmt: skip
    serve = plugins.load("servers", name).serve
    lines += [f"| `auth.{key}` | |" for key in ("keys", "open")]
    for field in dataclasses.fields(JwtSettings):
        default = json.dumps(field.default) if field.default else ""
        lines.append(f"| `auth.jwt.{field.name}` | {default} |")
    lines.append("| `metrics.names` | |")
    tables = ("limits", "batching", "jobs", "auth", "metrics")
    own = plain_options(serve, tables)
    lines += own
    for other in others:
        serve = plugins.load("servers", other).serve
        if plain_options(serve, tables) == own:
            lines.append(f"\nOptions of `modelyard serve REF {other}` are the same.")
            continue
        lines += [f"\nOptions of `modelyard serve REF {other}`; tables as above.\n", "| Option | Default |", "|---|---|"]  # fmt: skip
        lines += plain_options(serve, ())
    return "\n".join([*lines, ""])


def plain_options(serve: Any, tables: Sequence[str]) -> list[str]:
    """Rows of the parameters of a server that are options; those of ``tables`` stand on their own."""
    lines: list[str] = []
    for key, parameter in inspect.signature(serve).parameters.items():
        if key not in ("models", "log", "opener", "on_ready", "run", "seat", "stop", *tables):
            default = parameter.default if isinstance(parameter.default, float | int | str) else ""
            lines.append(f"| `{key}` | {default} |")
    return lines


# Errors and settings


def errors_page() -> str:
    """The error table, by exit code."""
    parts = [NOTE, "# Errors\n", ERRORS_TEXT]
    for code in sorted({row.exit_code for row in TABLE.values()}):
        parts += [f"## Exit code {code}\n", "| Code | Class | HTTP | When |", "|---|---|---|---|"]
        for cls, row in TABLE.items():
            if row.exit_code == code:
                parts.append(f"| `{row.code}` | `{class_text(cls)}` | {row.http_status} | {when(cls)} |")  # fmt: skip
        parts.append("")
    return "\n".join(parts)


def class_text(cls: type[ModelyardError]) -> str:
    """A class, with the built-in one it also is."""
    own = next((b.__name__ for b in cls.__bases__ if b.__module__ == "builtins"), "")
    return f"{cls.__name__} ({own})" if own and own != "Exception" else cls.__name__


def when(cls: type[ModelyardError]) -> str:
    """The first line of what a class says of itself."""
    if cls is ModelyardError:
        return "Anything else that went wrong."
    text = (inspect.getdoc(cls) or "").partition("\n")[0].replace("``", "`")
    assert text, f"{cls.__name__} says nothing of itself"
    return text


ERRORS_TEXT = """\
Every error says what and where in one line, and what to do in a hint. All are classes of `modelyard.base.errors` below
`modelyard.ModelyardError`, and the built-in error that fits (in brackets), so that `except KeyError` and the like keep working.

```python
import modelyard as my

try:
    my.load("models/nope")
except my.ModelyardError as error:
    print(error.code, "|", error.message, "|", error.hint)
```

The same code stands in the answers of a server, `{"error": {"code": …, "message": …, "hint": …}}`, and on the command line with
`--json`. Codes, exit codes and statuses do not change.
"""


def settings_page() -> str:
    """Settings of a project and of a user, and other variables."""
    project = [setting_row(key) for key in SETTINGS]
    user = [setting_row(key) for key in USER_SETTINGS]
    others = [f"| `{name}` | {text} |" for name, text in VARIABLES.items()]
    head = ["| Setting | Variable | What | Default |", "|---|---|---|---|"]
    return "\n".join(
        [NOTE, "# Settings\n", SETTINGS_TEXT, "## Of a project\n", *head, *project, "", "## Of a user\n", USER_TEXT, *head, *user,
         "", "## Other variables\n", "| Variable | What |", "|---|---|", *others, ""]
    )  # fmt: skip


def setting_row(key: str) -> str:
    """A setting as a row."""
    variable = f"MODELYARD_{key.upper().replace('.', '_')}"
    default = f"`{DEFAULTS[key]}`" if key in DEFAULTS else ""
    return f"| `{key}` | `{variable}` | {MEANINGS[key]} | {default} |"


SETTINGS_TEXT = """\
Nothing has to be set. Where something is, the first place wins that has it:

1. the environment: `MODELYARD_URI`, `MODELYARD_SERVE_PORT` …
2. `[tool.modelyard]` of the project's `pyproject.toml`
3. the project's `modelyard.toml`

`modelyard config list` shows every setting, which place won and which ones lost; `modelyard config set KEY VALUE` writes one
and leaves your comments alone. Below a table every option has a key of its own:

```sh
modelyard config set serve.port 9000
modelyard config set serve.limits.body_bytes 1000000
modelyard config list
```

A project's root is the nearest folder upward that holds `modelyard.toml`, a `pyproject.toml` with `[tool.modelyard]`, `yard.db` or
`.git`; else the folder you are in. There is no telemetry to switch off.
"""

USER_TEXT = """\
Whom to trust is never read from a project: what comes with a folder cannot widen it. These stand in `config.toml` of the user's
own folder (`~/.config/modelyard`, or `MODELYARD_CONFIG_DIR`), written by `modelyard config set --user`, or in the environment.
"""


# Python

MEMBERS: dict[str, tuple[str, ...]] = {
    "Yard": ("check", "backup", "close"),
    "Dataset": ("data", "info"),
    "ModelVersion": ("predict", "load"),
    "AsyncClient": ("model", "refresh", "close"),
    "Client": ("model", "refresh", "close"),
    "Schema": ("json_schema",),
}
"""Members of public classes that people call."""


def python_page() -> str:
    """What ``import modelyard as my`` offers."""
    parts = [NOTE, "# Python\n", PYTHON_TEXT]
    functions = [n for n in modelyard.__all__ if inspect.isfunction(getattr(modelyard, n))]
    classes = [n for n in modelyard.__all__ if inspect.isclass(getattr(modelyard, n))]
    parts.append("## Functions\n")
    parts += [entry(f"my.{name}", getattr(modelyard, name)) for name in functions]
    parts.append("## Classes\n")
    for name in classes:
        value = getattr(modelyard, name)
        parts.append(entry(f"my.{name}", value))
        parts += [entry(f"my.{name}.{m}", inspect.getattr_static(value, m)) for m in MEMBERS.get(name, ())]  # fmt: skip
    parts.append("## Parts of a yard\n")
    for name, cls in yard_parts().items():
        parts += [entry(f"yard.{name}.{m}", getattr(cls, m)) for m in methods_of(cls)]
    return "\n".join(parts)


PYTHON_TEXT = """\
`import modelyard as my` loads nothing else; each name is loaded on first use. `my.__version__` is the version.
"""


def yard_parts() -> dict[str, Any]:
    """Attribute of a yard -> its class."""
    from modelyard.yard.audit import Audit
    from modelyard.yard.datasets import Datasets
    from modelyard.yard.models import Models
    from modelyard.yard.predictions import Predictions

    return {"datasets": Datasets, "models": Models, "predictions": Predictions, "audit": Audit}


INNER = frozenset(("card_of", "describe_version", "files_of", "names", "problems", "register_kept", "row_id", "source"))  # fmt: skip
"""Methods that the rest of the package calls."""


def methods_of(cls: Any) -> list[str]:
    """Its public methods, in the order they are written."""
    return [n for n, v in vars(cls).items() if inspect.isfunction(v) and n[0] != "_" and n not in INNER]  # fmt: skip


def entry(name: str, value: Any) -> str:
    """A name with its call and what it says of itself."""
    text = inspect.getdoc(value) or ""
    assert text, f"{name} says nothing of itself"
    called = value.__init__ if inspect.isclass(value) else value
    call = call_text(name, called) if inspect.isfunction(called) and not is_dataclass(value) else name  # fmt: skip
    return f"### {name}\n\n```text\n{call}\n```\n\n{marked(text)}\n"


def is_dataclass(value: Any) -> bool:
    return inspect.isclass(value) and dataclasses.is_dataclass(value)


def call_text(name: str, function: Callable[..., Any]) -> str:
    """How it is called: on one line, or a line for each argument."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.name != "self"]
    plain = [re.sub(r"'([^']*)'", r"\1", str(p), count=1) for p in own]
    for i, parameter in enumerate(own):
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            plain.insert(i, "*")
            break
    returns = signature.return_annotation
    after = "" if returns is inspect.Signature.empty or (name.count(".") == 1 and name[3].isupper()) else f" -> {returns}"  # fmt: skip
    line = f"{name}({', '.join(plain)}){after}"
    return line if len(line) <= 100 else f"{name}(\n" + "".join(f"    {p},\n" for p in plain) + f"){after}"  # fmt: skip


def marked(text: str) -> str:
    """A docstring as Markdown: examples in fences, code in single ticks."""
    text = text.replace("``", "`")
    text = re.sub(r"  # doctest: \+SKIP", "", text)
    return re.sub(r"(?ms)^(>>> .*?)(?=\n\n|\Z)", r"```pycon\n\1\n```", text)


# Types


def types_table() -> str:
    """Every kind of type, what it is for, and how a card spells one."""
    rows = ["| Kind | For example | On the card |", "|---|---|---|"]
    for kind in KIND_FILES:
        text, example = examples()[kind]
        spelled = example.to_dict()
        assert spelled["type"] == kind, (kind, spelled)
        rows.append(f"| `{kind}` | {text} | `{flow(spelled)}` |")
    return "\n".join(rows)


def flow(value: Any) -> str:
    """As YAML would write it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value) if not isinstance(value, str) else value


def examples() -> dict[str, tuple[str, DataType]]:
    """Kind -> what it describes, and the type of an example."""
    import datetime as dt
    import decimal
    import uuid
    from typing import Literal, NamedTuple

    import catboost
    import lightgbm
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import scipy.sparse as sp
    import xgboost

    class Point(NamedTuple):
        x: float
        y: float

    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    table = {"age": [30, 40], "income": [1.5, 2.5]}

    def hint(annotation: Any) -> DataType:
        found = from_hint(annotation)
        assert found is not None
        return found

    return {
        "any": ("what nothing is known of", parse("any")),
        "boolean": ("`True`", infer(True)),
        "bytes": ("`b\"…\"`; base64 in JSON", infer(b"a")),
        "choice": ("`Literal[\"mean\", \"median\"]`", hint(Literal["mean", "median"])),
        "complex": ("`1+2j`", infer(1j)),
        "decimal": ("`Decimal(\"1.10\")`", infer(decimal.Decimal("1.10"))),
        "integer": ("`1`", infer(1)),
        "null": ("`None`", infer(None)),
        "number": ("`1.5`", infer(1.5)),
        "string": ("`\"a\"`", infer("a")),
        "uuid": ("`UUID(…)`", infer(uuid.UUID(int=1))),
        "date": ("`date(2026, 11, 20)`", infer(moment.date())),
        "datetime": ("`datetime(2026, 11, 20, tzinfo=UTC)`", infer(moment)),
        "time": ("`time(12, 30)`", infer(dt.time(12, 30))),
        "timedelta": ("`timedelta(hours=1)`", infer(dt.timedelta(hours=1))),
        "dict": ("`{\"age\": 30}`", infer({"age": 30})),
        "list": ("`[1.5, 2.5]`, of any length", infer([1.5, 2.5])),
        "set": ("`{1, 2}`", infer({1, 2})),
        "tuple": ("`(1, \"a\")`", infer((1, "a"))),
        "record": ("a dataclass, named tuple or pydantic model", infer(Point(1.0, 2.0))),
        "optional": ("`int \\| None`", hint(int | None)),
        "stream": ("an answer of type `Iterator[str]`: what a generator yields", parse({"type": "stream", "items": "string"})),
        "union": ("`int \\| str`", hint(int | str)),
        "array": ("a numpy array; the number of rows is open", infer(np.zeros((2, 3)))),
        "scalar": ("`numpy.float64(1.5)`", infer(np.float64(1.5))),
        "dataframe": ("a pandas DataFrame", infer(pd.DataFrame(table))),
        "series": ("a pandas Series", infer(pd.Series([1.5], name="price"))),
        "polars_dataframe": ("a polars DataFrame", infer(pl.DataFrame(table))),
        "polars_series": ("a polars Series", infer(pl.Series("price", [1.5]))),
        "arrow_table": ("a pyarrow Table", infer(pa.table(table))),
        "sparse": ("a scipy sparse matrix", infer(sp.csr_matrix(np.eye(3)))),
        "tensor": ("a PyTorch tensor", parse({"type": "tensor", "dtype": "float32", "shape": [None, 3]})),
        "tf_tensor": ("a tensor of TensorFlow", parse({"type": "tf_tensor", "dtype": "float32", "shape": [None, 3]})),
        "dmatrix": ("an XGBoost DMatrix", infer(xgboost.DMatrix(np.zeros((2, 3))))),
        "lightgbm_dataset": ("a LightGBM Dataset", infer(lightgbm.Dataset(np.zeros((2, 3)), free_raw_data=False))),
        "catboost_pool": ("a CatBoost Pool", infer(catboost.Pool(np.zeros((2, 3))))),
        "image": ("a Pillow image; base64 of a PNG in JSON", parse({"type": "image", "mode": "RGB"})),
        "file": ("a `pathlib.Path`; the method gets a real file", parse("file")),
    }  # fmt: skip


BEGIN, END = "<!-- types, written by docs/generate.py -->\n", "<!-- end of types -->"


def cards_page() -> str:
    """The page of cards, with its table of types."""
    text = (HERE / "cards.md").read_text("utf-8")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{types_table()}\n\n{END}{rest.partition(END)[2]}"


# Flavors, formats and importers

FLAVORS_TEXT = """\
An object's class ancestry names its flavor: of the root packages its classes come from, the first of this table that claims the object.
The extra brings the library: `pip install 'modelyard[xgboost]'`. Formats come safest first, with the tier that [Safety](safety.md) explains;
`save` takes the first that holds the object and brings equal answers back, or the one that `format=` names.
"""


def flavors_page() -> str:
    """Every flavor, every format and every importer, from their own files."""
    parts = [NOTE, "# Flavors and formats\n", FLAVORS_TEXT]
    parts += ["| Flavor | Extra | Formats, safest first | |", "|---|---|---|---|"]
    for name in plugins.names("flavors"):
        flavor = plugins.load("flavors", name)
        written = [model_format(wanted, flavor) for wanted in flavor.FORMATS]
        formats = ", ".join(f"`{w.NAME}` ({w.TIER})" for w in written)
        extra = f"`{flavor.EXTRA}`" if flavor.EXTRA else ""
        parts.append(f"| `{name}` | {extra} | {formats} | {says(flavor)} |")
    found = [(name, plugins.load("formats", name)) for name in plugins.names("formats")]
    parts += [
        "\n## Formats that hold models of many libraries\n",
        "| Format | Tier | |",
        "|---|---|---|",
    ]
    parts += [f"| `{name}` | {f.TIER} | {says(f)} |" for name, f in found if hasattr(f, "load")]
    parts += ["\n## Formats of data\n", "| Format | Tier | Suffixes | |", "|---|---|---|---|"]
    parts += [
        f"| `{name}` | {f.TIER} | {', '.join(f'`{s}`' for s in f.SUFFIXES)} | {says(f)} |"
        for name, f in found
        if hasattr(f, "can_hold")
    ]
    parts += ["\n## What other tools saved\n", IMPORTERS_TEXT, "| Kind | |", "|---|---|"]
    parts += [
        f"| `{n}` | {says(plugins.load('importers', n))} |" for n in plugins.names("importers")
    ]
    return "\n".join([*parts, ""])


IMPORTERS_TEXT = """\
These open as if they had a card: `load`, `apply`, `serve`, `register` and `build` take their paths. `modelyard import SOURCE TARGET`
writes an object of ours from one, `--type` names the kind where the file's name does not tell.
"""


def says(module: Any) -> str:
    """The first sentence of a module's docstring."""
    text = " ".join((module.__doc__ or "").split("\n\n")[0].split())
    return escaped(text.replace("``", "`"))


PAGES: dict[str, Callable[[], str]] = {
    "python.md": python_page,
    "cli.md": commands_page,
    "errors.md": errors_page,
    "settings.md": settings_page,
    "cards.md": cards_page,
    "flavors.md": flavors_page,
}
"""File -> what writes it."""


def main() -> None:
    """Write all pages."""
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
