"""``.mlem`` files of stock versions open as objects of ours, and hostile ones do no harm."""

from __future__ import annotations

import base64
import json
import pickle
import shutil
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my
from cases.importers.mlem import ANSWERS, DATA, FOLDER, MODELS, ROWS, is_answer, same_value, trusted
from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    FileMissing,
    InvalidCard,
    InvalidInput,
    InvalidReference,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    NotSupported,
    TooLarge,
    Untrusted,
)
from modelyard.base.notes import collected
from modelyard.compat._mlem.kinds import data_type, signature
from modelyard.types import spell

V04 = FOLDER / "v04"
OLD = {"v01": "v01/.mlem/model/models", "v02": "v02/.mlem/model/models", "v03": "v03/models"}


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with collected() as lines:
        yield lines


# Models


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_card_that_fits_it(name: str) -> None:
    card = my.load_card(V04 / "models" / name)
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == MODELS[name]
    assert {f"{name}.{m}" for m in card.methods} == {a for a in ANSWERS if a.startswith(f"{name}.")}


def test_by_its_path_by_its_file_and_by_a_link() -> None:
    digests = {
        my.load_card(V04 / path).digest
        for path in ("models/forest", "models/forest.mlem", "latest", "again", "again.mlem")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("version", OLD)
def test_words_of_all_layouts_are_kept(version: str) -> None:
    old = my.load_card(FOLDER / OLD[version] / "forest")
    new = my.load_card(V04 / "models/forest")
    for card in (old, new):
        assert card.description == "a small forest"
        assert card.metadata == {"owner": "ana"}
    labels = () if version == "v03" else ("forest", "demo")
    assert (tuple(old.labels), tuple(new.labels)) == (labels, ("forest", "demo"))
    assert list(old.methods) == list(new.methods) == ["predict", "predict_proba"]
    assert old.artifact[0].sha256 == new.artifact[0].sha256


def test_signatures_are_ours() -> None:
    methods = my.load_card(V04 / "models/stepped").methods
    assert list(methods["predict"].args) == ["frame"]
    assert methods["predict"].args["frame"].type.to_dict() == {
        "type": "dataframe",
        "columns": {"width": "float64", "length": "float64"},
    }
    assert methods["predict"].returns is not None
    assert methods["predict"].returns.to_dict() == {"type": "list", "items": "string"}
    grow = my.load_card(V04 / "models/grow").methods["predict"]
    assert (grow.args["by"].type.kind, grow.args["by"].default) == ("integer", 2)


def test_requirements_name_distributions_and_debian_packages() -> None:
    forest = my.load_card(V04 / "models/forest").requirements
    assert forest.packages == ("numpy==1.24.4", "pandas==1.5.3", "scikit-learn==1.2.2")
    assert (
        "scikit-learn==1.2.2" in my.load_card(FOLDER / OLD["v02"] / "forest").requirements.packages
    )
    assert my.load_card(V04 / "models/lgb").requirements.system == ("libgomp1",)


@pytest.mark.parametrize("name", ["lgb", "cat"])
def test_boosters_are_data_and_answer_as_before(name: str) -> None:
    for answer in (a for a in ANSWERS if a.startswith(f"{name}.")):
        found = my.apply(V04 / "models" / name, ROWS, method=answer.partition(".")[2])
        assert is_answer(found, answer)


def test_a_function_comes_with_the_code_it_was_saved_with(monkeypatch: pytest.MonkeyPatch) -> None:
    path = V04 / "models/grow"
    card = my.load_card(path)
    assert card.requirements.modules == ("steps.py",)
    assert card.format is not None
    assert {"steps.grow", "module steps.py"} <= set(card.format.reasons)
    with pytest.raises(Untrusted, match="steps"):
        my.load(path)
    grow = my.load(path, trust=card.digest)
    assert grow(np.array([1.0, 2.0])).tolist() == ANSWERS["grow.predict"]
    assert my.apply(V04 / "models/bark", b"woof " * 3, trust=trusted(V04 / "models/bark")) == "WOOF"


def test_old_names_of_arguments_reach_the_method() -> None:
    path = FOLDER / OLD["v02"] / "grow"
    assert list(my.load_card(path).methods["predict"].args) == ["data", "by"]
    found = my.apply(path, np.array([1.0, 2.0]), trust=trusted(path), options={"by": 3})
    assert found.tolist() == [3.0, 6.0]


@pytest.mark.filterwarnings("ignore:Trying to unpickle")  # scikit-learn's own word, before it fails
def test_a_model_of_an_old_library_says_with_which_it_was_saved() -> None:
    """Trees of scikit-learn 1.2 lack a field that newer ones need."""
    path = V04 / "models/forest"
    with pytest.raises(
        EnvironmentMismatch, match=r"scikit-learn: saved with 1\.2\.2, here"
    ) as caught:
        my.load(path, check_env="off")
    assert "scikit-learn==1.2.2" in (caught.value.hint or "")


@pytest.mark.skipif("dill" in sys.modules, reason="only where dill is not installed")
def test_a_function_of_the_training_script_needs_dill() -> None:
    path = V04 / "models/nested"
    assert "dill" in my.load_card(path).requirements.packages
    with pytest.raises(MissingExtra, match="'mlem'"):
        my.load(path, trust=trusted(path))


def test_an_onnx_model_is_data_and_gives_what_its_library_gives(tmp_path: Path) -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = ROWS.to_numpy("float32")
    fitted = LogisticRegression().fit(rows, [0, 1, 1])
    (tmp_path / "m").mkdir()
    graph = to_onnx(fitted, rows[:1], options={"zipmap": False})
    (tmp_path / "m/model.onnx").write_bytes(graph.SerializeToString())
    kind = {"type": "ndarray", "dtype": "float32", "shape": [None, 2]}
    outputs = {"type": "list", "items": [kind, kind]}
    method = {"name": "predict", "args": [{"name": "data", "type_": kind}], "returns": outputs}
    meta(
        tmp_path,
        "m",
        object_type="model",
        artifacts={"data": {"uri": "m/model.onnx"}},
        processors={"model": {"type": "onnx", "methods": {"predict": method}}},
    )
    card = my.load_card(tmp_path / "m")
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("onnx", 0)
    assert my.apply(tmp_path / "m", rows).tolist() == fitted.predict(rows).tolist()


def test_a_booster_in_the_old_binary_form_is_told() -> None:
    path = V04 / "models/xgb"
    with pytest.raises(NotSupported, match="binary form of xgboost before"):
        my.load(path, trust=trusted(path))


def test_registered_and_copied_it_is_an_object_of_ours(tmp_path: Path) -> None:
    my.clone(V04 / "models/lgb", tmp_path / "lgb")
    assert (tmp_path / "lgb.yard.yaml").is_file()
    assert is_answer(my.apply(tmp_path / "lgb", ROWS), "lgb.predict")
    with my.Yard(tmp_path / "yard.db") as yard:
        version = yard.models.add(V04 / "models/lgb", "lgb")
        assert is_answer(version.load().predict(ROWS), "lgb.predict")


# Data


@pytest.mark.parametrize("name", DATA)
def test_data_comes_back_as_it_was_saved(name: str) -> None:
    assert same_value(my.load(V04 / "data" / f"{name}.mlem"), DATA[name])


@pytest.mark.parametrize(
    "path",
    ["v01/.mlem/dataset/data/named.csv", "v02/.mlem/data/data/named.csv", "v03/data/named.csv"],
)
def test_data_of_older_versions(path: str) -> None:
    assert same_value(my.load(FOLDER / f"{path}.mlem"), DATA["named.csv"])


def test_plain_tables_are_read_by_our_own_formats_others_are_data_all_the_same() -> None:
    forms = {n: my.load_card(V04 / f"data/{n}.mlem").format for n in ("plain", "named.csv")}
    assert {n: (f.name, f.tier) for n, f in forms.items() if f} == {
        "plain": ("csv", 0),
        "named.csv": ("mlem_data", 0),
    }


def test_a_table_that_pandas_pickled_needs_trust() -> None:
    path = V04 / "data/plain.pickle.mlem"
    with pytest.raises(Untrusted):
        my.load(path)
    assert same_value(my.load(path, trust=trusted(path)), DATA["plain"])


def test_dtypes_of_a_table_are_as_described() -> None:
    found = my.load(V04 / "data/typed.csv.mlem")
    assert [str(d) for d in found.dtypes] == ["object", "int64", "datetime64[ns]", "float64"]
    assert found["x"].tolist()[0] == 0.5


def test_a_model_of_ours_applies_to_data_of_theirs(tmp_path: Path) -> None:
    path = V04 / "models/lgb"
    assert same_value(my.apply(path, V04 / "data/plain"), my.apply(path, DATA["plain"]))


# Types


def primitive(name: str) -> dict[str, Any]:
    return {"type": "primitive", "ptype": name}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (primitive("int"), "integer"),
        (primitive("NoneType"), "null"),
        ({"type": "list", "items": [primitive("int"), primitive("float")]}, {"type": "list", "items": "number"}),
        (
            {"type": "list", "items": [primitive("int"), primitive("NoneType"), primitive("str")]},
            {"type": "list", "items": {"type": "optional", "of": {"type": "union", "of": ["integer", "string"]}}},
        ),
        ({"type": "tuple", "items": [primitive("bool")]}, {"type": "tuple", "items": ["boolean"]}),
        (
            {"type": "d_dict", "key_type": primitive("int"), "value_type": primitive("str")},
            {"type": "dict", "keys": "integer", "values": "string"},
        ),
        (
            {"type": "dict", "item_types": {1: primitive("int"), 2: primitive("int")}},
            {"type": "dict", "keys": "integer", "values": "integer"},
        ),
        (
            {"type": "ndarray", "dtype": "str12", "shape": [None, 2]},
            {"type": "array", "dtype": "str", "shape": [None, 2]},
        ),
        (
            {"type": "dataframe", "columns": [0, 1], "dtypes": ["int64", "category"], "index_cols": []},
            {
                "type": "dataframe",
                "columns": {"0": "int64", "1": {"dtype": "object", "items": "mixed"}},
                "names": "integer",
            },
        ),
        (
            {"type": "series", "columns": ["", "y"], "dtypes": ["object", "int64"], "index_cols": [""]},
            {"type": "series", "name": "y", "dtype": "int64"},
        ),
        (
            {"type": "csr_matrix", "dtype": "float64", "shape": [3, 7]},
            {"type": "sparse", "dtype": "float64", "shape": [None, 7]},
        ),
        (
            {"type": "xgboost_dmatrix", "is_from_list": False, "feature_names": ["a"], "feature_type_names": ["int"]},
            {"type": "dataframe", "columns": {"a": "int64"}},
        ),
        ({"type": "unspecified"}, "any"),
        ({"type": "evil.Type"}, "any"),
        ({"type": "ndarray", "dtype": "nonsense", "shape": [None]}, "any"),
        (None, "any"),
    ],
)  # fmt: skip
def test_types_mean_the_same(theirs: Any, ours: Any) -> None:
    assert spell(data_type(theirs)) == ours


def test_arguments_with_defaults_stars_and_keywords() -> None:
    found = signature(
        {
            "name": "f",
            "args": [
                {"name": "x", "type_": primitive("int")},
                {"name": "n", "required": False, "type_": primitive("NoneType")},
            ],
            "varargs": "rest",
            "varargs_type": primitive("float"),
            "varkw": "options",
        }
    )
    assert found.args["x"].required
    assert (found.args["n"].default, found.args["n"].type.check(3)) == (None, 3)
    assert found.args["rest"].type.to_dict() == {"type": "list", "items": "number"}
    assert found.extra is not None
    module = signature({"args": [], "varargs": "args", "varargs_type": primitive("float")})
    assert list(module.args) == ["data"]
    assert module.args["data"].required


# Declarations and links


@pytest.mark.parametrize(
    ("name", "kind"),
    [("denv", "target"), ("bd", "build"), ("dep", "deployment"), ("dd1", "deployment")],
)
def test_declarations_are_cards_of_their_kind(name: str, kind: str) -> None:
    card = my.load_card(FOLDER / "declared" / name)
    assert card.kind == kind
    assert card.options["type"]
    with pytest.raises(ModelyardError):
        my.load(FOLDER / "declared" / name)


def test_no_secret_is_copied_in_clear(tmp_path: Path, quiet: list[str]) -> None:
    fields = {
        "object_type": "env",
        "type": "x",
        "token": "t0ps3cret",
        "registry": {"host": "https://ana:hunter2@reg.io", "aws_secret_access_key": "AKIA123", "pin_password": 1234},
        "args": {"set_env": ["API_TOKEN=abc123", "LEVEL=debug"]},
    }  # fmt: skip
    (tmp_path / "e.mlem").write_text(json.dumps(fields))
    text = json.dumps(dict(my.load_card(tmp_path / "e").options))
    for secret in ("t0ps3cret", "hunter2", "AKIA123", "abc123", "1234"):
        assert secret not in text
    assert "LEVEL=debug" in text
    assert "env:API_TOKEN" in text
    assert len(quiet) == 5
    assert not any("t0ps3cret" in line for line in quiet)


def meta(folder: Path, name: str, **fields: Any) -> Path:
    path = folder / f"{name}.mlem"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))
    return path


def test_links_in_a_circle_and_into_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / ".mlem.yaml").touch()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        meta(tmp_path, one, object_type="link", link_type="model", path=f"{other}.mlem")
    with pytest.raises(InvalidReference, match="leads back to itself"):
        my.load_card(tmp_path / "a")
    for n in range(30):
        meta(tmp_path, f"l{n}", object_type="link", link_type="model", path=f"l{n + 1}.mlem")
    with pytest.raises(InvalidReference, match="more than 16 links"):
        my.load_card(tmp_path / "l0")
    meta(
        tmp_path,
        "far",
        object_type="link",
        link_type="model",
        path="m.mlem",
        project="https://git/x",
    )
    with pytest.raises(NotSupported, match="https://git/x"):
        my.load_card(tmp_path / "far")
    meta(tmp_path, "gone", object_type="link", link_type="model", path="models/gone.mlem")
    with pytest.raises(FileMissing, match="models/gone"):
        my.load_card(tmp_path / "gone")


def test_a_link_with_a_project_leads_there(tmp_path: Path) -> None:
    meta(
        tmp_path, "far", object_type="link", link_type="model", path="models/lgb", project=str(V04)
    )
    assert is_answer(my.apply(tmp_path / "far", ROWS), "lgb.predict")
    meta(tmp_path, "abs", object_type="link", link_type="model", path=str(V04 / "models/lgb.mlem"))
    assert my.load_card(tmp_path / "abs").flavor == "lightgbm"


# Hostile files


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def package(**files: bytes) -> str:
    return packed(json.dumps({k: packed(v) for k, v in files.items()}).encode())


def model(folder: Path, **changes: Any) -> Path:
    """A function's description, spoiled."""
    shutil.copy(V04 / "models/grow", folder / "m")
    fields: dict[str, Any] = {
        "object_type": "model",
        "artifacts": {"data.pkl": {"uri": "m", "size": 28}},
        "call_orders": {"__call__": [["model", "__call__"]]},
        "processors": {
            "model": {
                "type": "callable",
                "methods": {"__call__": {"name": "__call__", "args": [], "returns": {"type": "unspecified"}}},
            }
        },
    }  # fmt: skip
    return meta(folder, "m", **{**fields, **changes})


@pytest.mark.parametrize(
    "path",
    ["../evil.py", "a/../../evil.py", "/etc/evil.py", "C:\\evil.py", "x/\u202eyp.py", "con.py"],
)
def test_embedded_code_stays_where_it_belongs(tmp_path: Path, path: str) -> None:
    entry = {
        "type": "custom",
        "name": "pkg",
        "is_package": True,
        "source64zip": package(**{path: b"x = 1"}),
    }
    file = model(tmp_path, requirements=[entry])
    with pytest.raises(InvalidCard, match=r"requirements\.0"):
        my.load_card(file)
    assert not (tmp_path.parent / "evil.py").exists()


@pytest.mark.parametrize("name", ["../evil", "..", "/etc/x", "a\\b"])
def test_a_module_is_no_path(tmp_path: Path, name: str) -> None:
    entry = {"type": "custom", "name": name, "is_package": False, "source64zip": packed(b"x = 1")}
    with pytest.raises(InvalidCard):
        my.load_card(model(tmp_path, requirements=[entry]))


def test_code_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    bombs = {
        "30 MB of nothing": (packed(bytes(30 << 20)), False),
        "4 MB out of 4 kB": (packed(bytes(4 << 20)), False),
        "the same in a package": (package(**{"p/__init__.py": bytes(4 << 20)}), True),
        "a package of one": (packed(b'{"a": "' + b"x" * (60 << 20) + b'"}'), True),
    }
    for word, (source, is_package) in bombs.items():
        entry = {"type": "custom", "name": "p", "is_package": is_package, "source64zip": source}
        with pytest.raises(TooLarge, match="more than code would take"):
            pytest.fail(f"{word}: {my.load_card(model(tmp_path, requirements=[entry]))}")


@pytest.mark.parametrize("source", ["", "%%%", "AAAA", packed(b"x")[:-8], None])
def test_damaged_code_is_told(tmp_path: Path, source: Any) -> None:
    entry = {"type": "custom", "name": "p", "is_package": False, "source64zip": source}
    with pytest.raises(InvalidCard, match=r"requirements\.0"):
        my.load_card(model(tmp_path, requirements=[entry]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!!python/object/apply:os.system [touch evil]", "tag"),
        ("object_type: !!python/name:os.system", "tag"),
        ("a: &a [1]\nb: *a", "anchors"),
        ("a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "anchors"),
        ("object_type: model\nobject_type: data", "twice"),
        ("[1, 2]", "no mapping"),
        ("object_type: evil.X", "none of"),
        ("object_type: [1]", "none of"),
        ("object_type: model", "processors"),
        ("object_type: model\nprocessors: 3", "must be a mapping"),
        ("object_type: model\nprocessors: {model: {type: evil.Model, methods: {}}}", "none of"),
        ("object_type: data", "reader"),
        ("object_type: data\nreader: {type: numpy}\nartifacts: [1]", "must be a mapping"),
        ("{" * 600, "line|nested"),
        ("a: " + "[" * 200 + "]" * 200, "nested deeper"),
    ],
)  # fmt: skip
def test_a_description_names_nothing_and_unfolds_into_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "m.mlem").write_text(text)
    with pytest.raises(InvalidInput, match=said):
        my.load_card(tmp_path / "m")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.py", "m.mlem"]
    assert "evil" not in sys.modules


@pytest.mark.parametrize(
    "uri", ["/etc/passwd", "../../../../etc/passwd", "../x", "a/../../x", "C:\\x", "file:///etc/passwd", "s3://b/x", "", "."]
)  # fmt: skip
def test_files_are_looked_for_inside_the_project_alone(tmp_path: Path, uri: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "x").write_bytes(b"secret")
    fields = {
        "object_type": "data",
        "reader": {"type": "binary"},
        "artifacts": {"data": {"uri": uri}},
    }
    meta(folder, "d", **fields)
    with pytest.raises((InvalidCard, NotSupported)):
        my.load(folder / "d")


def test_a_file_elsewhere_in_the_project_is_found_and_a_link_is_not(tmp_path: Path) -> None:
    (tmp_path / ".mlem.yaml").touch()
    (tmp_path / "x").write_bytes(b"there")
    fields = {"object_type": "data", "reader": {"type": "binary"}}
    meta(tmp_path / "in", "d", **fields, artifacts={"data": {"uri": "../x"}})
    assert my.load(tmp_path / "in/d") == b"there"
    (tmp_path / "in/y").symlink_to(tmp_path / "x")
    meta(tmp_path / "in", "e", **fields, artifacts={"data": {"uri": "y"}})
    with pytest.raises(ModelyardError, match="link"):
        my.load(tmp_path / "in/e")


def test_a_changed_file_is_found_out(tmp_path: Path) -> None:
    """MLEM itself loads it."""
    for name in ("forest", "forest.mlem"):
        shutil.copy(V04 / "models" / name, tmp_path / name)
    (tmp_path / "forest").write_bytes(pickle.dumps(print))
    with pytest.raises(Corrupted, match="md5"):
        my.load(tmp_path / "forest")
    (tmp_path / "forest").unlink()
    with pytest.raises(FileMissing, match="names the file 'forest'"):
        my.load_card(tmp_path / "forest")


class Runs:
    def __reduce__(self) -> Any:
        return (print, ("ran",))


def test_a_pickle_never_runs_without_trust(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m").write_bytes(pickle.dumps(Runs()))
    methods = {"predict": {"name": "predict", "args": [], "returns": {"type": "unspecified"}}}
    fields = {
        "object_type": "model",
        "artifacts": {"data": {"uri": "m"}},
        "processors": {"model": {"type": "sklearn", "methods": methods}},
    }
    meta(tmp_path, "m", **fields)
    card = my.load_card(tmp_path / "m")
    assert card.format is not None
    assert card.format.tier == 2
    with pytest.raises(Untrusted, match=r"builtins\.print"):
        my.load(tmp_path / "m")
    assert capsys.readouterr().out == ""


def test_a_card_that_calls_a_pickle_data_is_not_believed(tmp_path: Path) -> None:
    """The format decides: one that reads data alone refuses what would run."""
    my.clone(V04 / "data/plain.pickle.mlem", tmp_path / "d")
    card = tmp_path / "d.yard.yaml"
    text = card.read_text().replace("mlem_pickled", "mlem_data").replace("tier: 2", "tier: 0")
    card.write_text(text)
    with pytest.raises(NotAllowed, match="a pickle stands where"):
        my.load(tmp_path / "d")


def test_a_class_that_an_io_file_names_is_never_imported(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    shutil.copy(V04 / "models/grow", tmp_path / "m/data.pkl")
    (tmp_path / "m/u.io").write_text("evil.Reader")
    pieces = {"data.pkl": {"uri": "m/data.pkl"}, "u.io": {"uri": "m/u.io"}}
    fields = {"call_orders": {}, "artifacts": pieces}
    (tmp_path / "other").mkdir()
    file = model(tmp_path / "other", **fields)
    shutil.copy(file, tmp_path / "m.mlem")
    with pytest.raises(ModelyardError, match="'Reader' is none of"):
        my.load(tmp_path / "m", trust=trusted(tmp_path / "m"))
    assert "evil" not in sys.modules
