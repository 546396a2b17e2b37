"""A page for a model. Change it as you like.

Write it with     modelyard serve MODEL streamlit --write app.py
and use it with   modelyard serve MODEL streamlit --script app.py
It asks the server at MODELYARD_URL, which that command starts; any server of `modelyard serve` will do.
"""

from __future__ import annotations

import io
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import httpx2
import pandas as pd
import streamlit as st

import modelyard as my

URL = os.environ.get("MODELYARD_URL", "http://127.0.0.1:8080")
TITLE = os.environ.get("MODELYARD_TITLE", "")


@st.cache_resource
def connect(url: str) -> my.Client:
    """One client for all who look at the page."""
    return my.Client(url)


@st.cache_data(ttl=60)
def described(url: str) -> list[dict[str, Any]]:
    """The models with their methods, arguments and examples."""
    with urlopen(f"{url}/page/models.json", timeout=30) as answer:
        return json.load(answer)["models"]


def plain(text: str) -> str:
    """A text that comes from a model, so that nothing in it is taken for markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:])", r"\\\1", text)


def main() -> None:
    """The page, from top to bottom: it runs anew with every change on it."""
    st.set_page_config(page_title=TITLE or "Model", layout="wide")
    models = described(URL)
    model = models[0]
    if len(models) > 1:
        name = st.sidebar.selectbox("Model", [m["name"] for m in models])
        model = next(m for m in models if m["name"] == name)
    st.title(plain(TITLE or model["name"]))
    st.caption(plain(model["identity"]))
    if model["description"]:
        st.text(model["description"])
    names = [m["name"] for m in model["methods"]]
    default = names.index(model["default_method"])
    chosen = (
        names[0] if len(names) == 1 else st.radio("Method", names, index=default, horizontal=True)
    )
    method = next(m for m in model["methods"] if m["name"] == chosen)
    values = ask(method, key=f"{model['name']}/{chosen}")
    if values is not None:
        answer(model["name"], method, values)


def ask(method: dict[str, Any], key: str) -> dict[str, Any] | None:
    """A form of the method's arguments; their values once it is sent."""
    example = method["example"] or {}
    tables = [a for a in method["arguments"] if a["columns"]]
    uploaded = {}
    for argument in tables:
        uploaded[argument["name"]] = st.file_uploader(
            f"{argument['name']}: a table (csv, parquet, xlsx), or fill in below",
            type=["csv", "parquet", "xlsx"],
            key=f"{key}/{argument['name']}/file",
        )
    with st.form(key):
        values = {
            a["name"]: field(
                a, example.get(a["name"]), uploaded.get(a["name"]), f"{key}/{a['name']}"
            )
            for a in method["arguments"]
        }
        sent = st.form_submit_button("Send", type="primary")
    return {n: v for n, v in values.items() if v is not None} if sent else None


def field(argument: dict[str, Any], example: Any, uploaded: Any, key: str) -> Any:
    """The widget of one argument, and its value."""
    name, schema = argument["name"], argument["schema"]
    if argument["columns"]:
        rows = (
            read_table(uploaded) if uploaded else pd.DataFrame(example, columns=argument["columns"])
        )
        fresh = f"{key}/{uploaded.file_id}" if uploaded else key
        return st.data_editor(rows, num_rows="dynamic", key=fresh, hide_index=True)
    if argument["file"]:
        given = st.file_uploader(name, key=key)
        return given.getvalue() if given else None
    options = [o for o in schema.get("anyOf", [schema]) if o.get("type") != "null"]
    kind = options[0] if len(options) == 1 else {}
    types = (
        [kind.get("type")] if isinstance(kind.get("type"), str) else list(kind.get("type") or ())
    )
    value = example if example is not None else argument.get("default")
    if "enum" in kind:
        choices = kind["enum"]
        return st.selectbox(
            name, choices, index=choices.index(value) if value in choices else None, key=key
        )
    if types == ["boolean"]:
        return st.selectbox(
            name, [True, False], index=None if value is None else int(not value), key=key
        )
    if types == ["integer"]:
        return st.number_input(name, value=value, step=1, key=key)
    if "number" in types:
        return st.number_input(
            name, value=None if value is None else float(value), format="%g", step=None, key=key
        )
    if types == ["string"]:
        return st.text_area(name, value=value, key=key) or None
    text = st.text_area(f"{name} (JSON)", value="" if value is None else json.dumps(value), key=key)
    return json.loads(text) if text else None


def read_table(uploaded: Any) -> pd.DataFrame:
    """The table in a file that was uploaded."""
    content = io.BytesIO(uploaded.getvalue())
    if uploaded.name.endswith(".parquet"):
        return pd.read_parquet(content)
    return pd.read_excel(content) if uploaded.name.endswith(".xlsx") else pd.read_csv(content)


def answer(model: str, method: dict[str, Any], values: dict[str, Any]) -> None:
    """Call the model, and show what it says."""
    begun = time.perf_counter()
    try:
        if method["streams"] and not any(a["file"] or a["columns"] for a in method["arguments"]):
            result: Any = st.write_stream(pieces(method["path"], values))
        else:
            remote = connect(URL).model(model)
            result = remote.call(
                method["name"], kwargs=native(remote.signature(method["name"]), values)
            )
            show(method["name"], result, values)
    except my.ModelyardError as error:
        st.error(plain(str(error)))
        return
    st.caption(f"{(time.perf_counter() - begun) * 1000:.0f} ms")


def native(signature: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Values of the form as the model takes them: a date that was typed is a date."""
    ready = (pd.DataFrame, bytes)
    return {
        n: v if isinstance(v, ready) else signature.args[n].type.decode(v, n)
        for n, v in values.items()
    }


def pieces(path: str, values: dict[str, Any]) -> Iterator[str]:
    """A streaming answer as it comes."""
    headers = {"Accept": "application/x-ndjson"}
    with httpx2.stream(
        "POST", URL + quote(path), json=values, headers=headers, timeout=600
    ) as response:
        if not response.is_success:
            raise my.ModelyardError(json.loads(response.read())["error"]["message"])
        for line in response.iter_lines():
            item = json.loads(line)
            if isinstance(item, dict) and isinstance(item.get("error"), dict):
                raise my.ModelyardError(item["error"]["message"])
            yield plain(item) if isinstance(item, str) else f"`{json.dumps(item)}`\n\n"


def show(name: str, result: Any, values: dict[str, Any]) -> None:
    """A result beside the rows it belongs to where there is one for each; a picture, a text, or whatever it is."""
    if type(result).__module__.startswith("PIL."):
        st.image(result)
        return
    if isinstance(result, bytes):
        st.download_button("Save the answer", result, file_name=name)
        return
    table = as_table(name, result)
    if table is None:
        st.code(str(result), language=None, wrap_lines=True)
        return
    rows = next(
        (v for v in values.values() if isinstance(v, pd.DataFrame) and len(v) == len(table)), None
    )
    if rows is not None:
        table = pd.concat([table, rows.reset_index(drop=True)], axis=1)
    st.dataframe(table, hide_index=True)
    st.download_button(
        "Save as csv", table.to_csv(index=False), file_name=f"{name}.csv", mime="text/csv"
    )


def as_table(name: str, result: Any) -> pd.DataFrame | None:
    """A result as a table, where it is one."""
    if isinstance(result, pd.DataFrame):
        return result.reset_index(drop=True)
    shape = getattr(result, "shape", ())
    if isinstance(result, list) and result and isinstance(result[0], dict):
        return pd.DataFrame(result)
    if isinstance(result, list) or len(shape) == 1:
        return pd.DataFrame({name: list(result)})
    if len(shape) == 2:
        return pd.DataFrame(result, columns=[f"{name}_{i}" for i in range(shape[1])])
    return None


if __name__ == "__main__":
    main()
