"""No file makes the reader import, run, write or start anything that its allow-list does not name."""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from cases.formats.damage import Opener, Parts, taken_apart
from modelyard.base.errors import Corrupted, TooLarge, Untrusted
from modelyard.objects.formats import skops
from modelyard.objects.formats._skops import allowed, archive
from modelyard.testing.flavors import FolderFiles

X = np.arange(60.0).reshape(20, 3) % 7
Y = np.arange(20) % 3


@cache
def models() -> dict[str, Any]:
    return {
        "forest": RandomForestClassifier(2, random_state=0).fit(X, Y),
        "boosting": GradientBoostingRegressor(n_estimators=2).fit(X, Y),
        "neighbours": KNeighborsClassifier().fit(X, Y),
        "search": GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2, scoring="r2").fit(X, Y),
        "function": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(
            X, Y
        ),
        "pipeline": make_pipeline(OneHotEncoder(), FunctionTransformer(), Ridge()).fit(X, Y),
    }


@pytest.fixture(scope="module")
def opener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    with Opener(tmp_path_factory.mktemp("opened")) as process:
        yield process


GADGETS = [
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "Popen"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "open"),
    ("builtins", "getattr"),
    ("builtins", "__import__"),
    ("builtins", "type"),
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("functools", "partial"),
    ("functools", "reduce"),
    ("importlib", "import_module"),
    ("pkgutil", "resolve_name"),
    ("pickle", "loads"),
    ("numpy", "load"),
    ("numpy", "memmap"),
    ("numpy", "fromfile"),
    ("numpy.ctypeslib", "load_library"),
    ("numpy.ctypeslib", "ctypes"),
    ("numpy", "__builtins__"),
    ("scipy.special", "_ufuncs"),
    ("scipy.io", "loadmat"),
    ("scipy.stats", "rv_continuous"),
    ("scipy.stats._continuous_distns", "norm_gen"),
    ("joblib", "load"),
    ("joblib", "Memory"),
    ("sklearn.datasets", "fetch_openml"),
    ("sklearn.utils", "check_array"),
    ("sklearn.utils.validation", "check_array"),
    ("sklearn.tree._tree", "Tree"),
    ("sklearn.metrics", "get_scorer"),
    ("sklearn.svm._classes", "SVC"),
    ("sklearn.svm._classes.SVC", "fit"),
    ("pandas", "read_pickle"),
    ("zipapp", "x"),
    ("__main__", "x"),
    ("", ""),
    ("..", "os"),
]
LOADERS = [
    *allowed._BY_LOADER,
    "CachedNode",
    "MethodNode",
    "OperatorFuncNode",
    "QuantileForestNode",
    "NoSuchNode",
]
NAMES = sorted({name for names in allowed._BY_LOADER.values() for name in names})


def allowed_or_not() -> st.SearchStrategy[tuple[str, str]]:
    listed = st.sampled_from(NAMES).map(lambda n: (n.rpartition(".")[0], n.rpartition(".")[2]))
    texts = st.tuples(st.text(max_size=20), st.text(max_size=20))
    return st.one_of(st.sampled_from(GADGETS), st.sampled_from(GADGETS), listed, texts)


@given(data=st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
def test_another_name_in_a_file_never_makes_the_reader_act(
    data: st.DataObject, opener: Opener
) -> None:
    name = data.draw(st.sampled_from(sorted(models())))
    parts = taken_apart(models()[name])
    nodes = list(parts.nodes())
    for _ in range(data.draw(st.integers(1, 3))):
        node = nodes[data.draw(st.integers(0, len(nodes) - 1))]
        node["__module__"], node["__class__"] = data.draw(allowed_or_not())
        if data.draw(st.booleans()):
            node["__loader__"] = data.draw(st.sampled_from(LOADERS))
    opened = opener.open(parts.packed())
    assert opened.error in (None, "Corrupted", "Untrusted")
    assert [e for e in opened.events if not harmless(e)] == []


def harmless(event: list[str]) -> bool:
    """Looking for the file itself."""
    return event[0] in ("os.scandir", "os.listdir", "pathlib.Path.rglob", "pathlib.Path.glob")


def test_the_listener_hears_what_a_loader_would_do(opener: Opener) -> None:
    assert not all(map(harmless, opener.imported("zipapp").events))
    assert all(map(harmless, opener.open(taken_apart(models()["pipeline"]).packed()).events))


@pytest.mark.parametrize(
    "loader", [name for name in LOADERS if name not in ("JsonNode", "CachedNode")]
)
def test_a_strange_name_is_refused_before_anything_is_imported(
    loader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strange_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    parts = taken_apart(models()["pipeline"])
    node = next(parts.nodes("Ridge"))
    node |= {"__module__": "strange_module", "__class__": "Thing", "__loader__": loader}
    with pytest.raises(Untrusted, match=r"strange_module\.Thing"):
        skops.load(put(tmp_path / "model", parts))
    assert "strange_module" not in sys.modules


def put(folder: Path, parts: Parts) -> FolderFiles:
    folder.mkdir(exist_ok=True)
    (folder / "model.skops").write_bytes(parts.packed())
    return FolderFiles(folder)


def test_the_refusal_names_the_types_and_what_to_do(tmp_path: Path) -> None:
    parts = taken_apart(models()["pipeline"])
    next(parts.nodes("Ridge")).update(__module__="mine", __class__="Model")
    next(parts.nodes("OneHotEncoder")).update(__module__="os", __class__="system")
    with pytest.raises(Untrusted) as caught:
        skops.load(put(tmp_path / "model", parts))
    assert caught.value.message == (
        "model.skops: it names what is not on the allow-list: mine.Model, os.system"
    )
    assert caught.value.details["types"] == ["mine.Model", "os.system"]
    assert "tier 2" in str(caught.value.hint)


def test_inspect_shows_strange_names_without_loading(tmp_path: Path) -> None:
    parts = taken_apart(models()["pipeline"])
    next(parts.nodes("Ridge")).update(__module__="mine", __class__="Model")
    shown = skops.inspect(put(tmp_path / "model", parts))
    assert "mine.Model (not on the allow-list)" in shown
    assert "sklearn.preprocessing._encoders.OneHotEncoder" in shown


def test_a_partial_holds_only_the_one_function_it_may(tmp_path: Path) -> None:
    def partial_of(module: str, name: str, keywords: str = "{}", args: str = "[]") -> Parts:
        parts = taken_apart([1])
        plain = {"__loader__": "JsonNode", "__module__": "builtins", "__class__": "str"}
        node = {"__module__": "functools", "__class__": "partial", "__loader__": "PartialNode"}
        function = {"__module__": module, "__class__": name, "__loader__": "FunctionNode"}
        nothing = {"__module__": "builtins", "__class__": "tuple", "__loader__": "TupleNode"}
        node["content"] = {  # type: ignore[assignment]  # a tree of anything
            "func": function,
            "args": nothing | {"content": json.loads(args)},
            "kwds": plain | {"content": keywords},
            "namespace": plain | {"content": "null"},
        }
        parts.schema["content"] = [node]
        return parts

    good = partial_of("sklearn.utils.validation", "check_array", '{"ensure_all_finite": false}')
    [found] = skops.load(put(tmp_path / "model", good))
    assert found.func.__name__ == "check_array"
    for bad in (
        partial_of("numpy", "exp"),
        partial_of("sklearn.metrics._regression", "r2_score"),
        partial_of("sklearn.utils.validation", "check_array", '{"estimator": 1}'),
    ):
        with pytest.raises(Corrupted, match="allow-list"):
            skops.load(put(tmp_path / "model", bad))


def test_a_method_name_in_an_attribute_is_one_that_predicts(tmp_path: Path) -> None:
    from sklearn.ensemble import StackingRegressor

    model = StackingRegressor([("a", Ridge())], cv=2).fit(X, Y)
    parts = taken_apart(model)
    [node] = parts.state("StackingRegressor", "stack_method_")["content"]
    node["content"] = '"tofile"'
    with pytest.raises(Corrupted, match="stack_method_="):
        skops.load(put(tmp_path / "model", parts))


def test_distributions_are_made_by_their_public_names(tmp_path: Path) -> None:
    """Their own state holds code as text, which scipy would run."""
    import scipy.stats

    parts = taken_apart([scipy.stats.uniform(1, 2)])
    dist = next(parts.nodes("uniform_gen"))
    assert "_parse_arg_template" in dist["content"]["content"]
    parts.edit(dist["content"]["content"]["_parse_arg_template"], lambda text: "raise SystemExit")
    [found] = skops.load(put(tmp_path / "model", parts))
    assert found.support() == (1, 3)
    dist["__class__"] = "rv_generic_gen"
    with pytest.raises(Corrupted, match="no distribution"):
        skops.load(put(tmp_path / "model", parts))
    parts.schema["content"] = [dist | {"__class__": "uniform_gen"}]
    with pytest.raises(Corrupted, match="stands alone"):
        skops.load(put(tmp_path / "model", parts))


# archives


def zipped(method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as target:
        for name, data in members.items():
            target.writestr(name.replace("_", ".", 1), data)
    return buffer


def test_a_bomb_is_told_by_its_ratio() -> None:
    packed = zipped(a_npy=bytes(archive.SMALL + 1))
    with pytest.raises(TooLarge, match="unpack to"):
        archive.Archive(packed)
    assert archive.Archive(zipped(zipfile.ZIP_STORED, a_npy=bytes(archive.SMALL + 1))).names() == {
        "a.npy"
    }


def test_arrays_of_nothing_but_zeros_are_stored_so_that_they_can_be_read(tmp_path: Path) -> None:
    skops.dump([np.zeros(archive.SMALL // 4)], tmp_path)
    [found] = skops.load(FolderFiles(tmp_path))
    assert found.nbytes > archive.SMALL


def test_a_million_empty_members_are_refused_before_they_are_listed() -> None:
    """Listing them takes half a minute; these are not even members, and nobody notices."""
    length = 1_000_000 * 51
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, length, 0, 0)
    with pytest.raises(TooLarge, match="directory"):
        archive.Archive(io.BytesIO(bytes(length) + end))


def test_a_directory_that_says_its_size_in_the_wider_record_is_measured_too() -> None:
    length = 1 << 40
    wider = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0, 0)
    with pytest.raises(TooLarge, match="directory"):
        archive.Archive(io.BytesIO(wider + locator + end))
    with pytest.raises(Corrupted, match="end record"):
        archive.Archive(io.BytesIO(locator + end))


@pytest.mark.parametrize(
    "name",
    ["../a.npy", "/a.npy", "a/b.npy", "a.npy/", "a.pkl", "a b.npy", "ä.npy", ".npy", "a.npy\n"],
)
def test_members_have_plain_names(name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr(name, b"")
    with pytest.raises(Corrupted, match="none that a skops file has"):
        archive.Archive(buffer)


def test_links_and_encrypted_members_are_refused() -> None:
    link = zipfile.ZipInfo("a.npy")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr(link, b"/etc/passwd")
    with pytest.raises(Corrupted, match="none that"):
        archive.Archive(buffer)
    secret = bytearray(zipped(a_npy=b"x").getvalue())
    secret[secret.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Corrupted, match="none that"):
        archive.Archive(io.BytesIO(secret))


def test_two_members_of_one_name_are_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("a.npy", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("a.npy", b"2")
    with pytest.raises(Corrupted, match="same name"):
        archive.Archive(buffer)


@given(st.integers(0, 2000), st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_changed_byte_is_found_or_does_no_harm(at: int, by: int) -> None:
    data = bytearray(forest_file())
    data[at % len(data)] ^= by
    try:
        model = skops._load(io.BytesIO(data))
    except (Corrupted, TooLarge, Untrusted):
        return
    assert (model.predict(X) == models()["forest"].predict(X)).all()


@cache
def forest_file() -> bytes:
    return taken_apart(models()["forest"]).packed()


def test_nesting_without_end_is_refused() -> None:
    node: dict[str, Any] = {"__loader__": "ListNode", "__module__": "builtins", "__class__": "list"}
    deep: dict[str, Any] = {"content": [], **node}
    for _ in range(200):
        deep = {"content": [deep], **node}
    with pytest.raises(Corrupted, match="nest more than"):
        skops._load(zipped(schema_json=json.dumps(deep | {"protocol": 2}).encode()))


def test_an_object_that_contains_itself_is_refused() -> None:
    node = {"__loader__": "ListNode", "__module__": "builtins", "__class__": "list", "__id__": 1}
    inner = {"__loader__": "CachedNode", "__module__": "builtins", "__class__": "list", "__id__": 1}
    schema = node | {"content": [inner], "protocol": 2}
    with pytest.raises(Corrupted, match="refers to itself"):
        skops._load(zipped(schema_json=json.dumps(schema).encode()))
