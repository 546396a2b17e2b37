"""Every estimator of scikit-learn is saved without code, and answers as before; other readers of the format can read it."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from skops import io as stock

from cases.flavors import estimators, sklearn
from modelyard.base.errors import MissingExtra, UnsupportedType
from modelyard.objects.flavors import sklearn as flavor
from modelyard.objects.formats import skops
from modelyard.objects.formats._skops import allowed, checks
from modelyard.objects.formats._skops.estimators import ESTIMATORS
from modelyard.testing.flavors import FolderFiles, answers

NAMES = sorted(estimators.classes())


def close(one: Any, other: Any) -> bool:
    """Equal but for what the place of an array in memory can change: the last bits of a sum."""
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(close, one, other))
    if hasattr(one, "toarray"):
        one, other = one.toarray(), other.toarray()
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind in "fc":
        return np.allclose(one, other, rtol=1e-12, atol=1e-300, equal_nan=True)
    return bool((one == other).all())


@pytest.mark.parametrize("name", [n for n in NAMES if n not in estimators.CODE_BEARING])
def test_it_is_saved_without_code_and_answers_as_before(name: str, tmp_path: Path) -> None:
    model, rows = estimators.fitted(name)
    skops_file = tmp_path / "model.skops"
    _dump(model, tmp_path)
    written = skops_file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that will go
        _dump(pickle.loads(pickle.dumps(model)), tmp_path)
        assert skops_file.read_bytes() == written, "a copy gives other bytes"
        again = _load(tmp_path)
        trusted = stock.get_untrusted_types(data=written)
        elsewhere = stock.loads(written, trusted=trusted)
    for some in (rows, rows[:1]):
        expected = _seeded(model, some)
        for other in (again, elsewhere):
            found = _seeded(other, some)
            assert expected.keys() == found.keys()
            assert [key for key in expected if not close(expected[key], found[key])] == []


def _dump(model: Any, folder: Path) -> None:
    skops.dump(model, folder)


def _load(folder: Path) -> Any:
    return skops.load(FolderFiles(folder))


def _seeded(model: Any, rows: Any) -> dict[str, Any]:
    """Some draw random numbers to answer."""
    if "random_state" in vars(model):
        model.random_state = 0
    if hasattr(model, "random_state_"):
        model.random_state_ = np.random.RandomState(0)
    return answers(flavor, model, rows)


@pytest.mark.parametrize("name", sorted(estimators.CODE_BEARING))
def test_the_few_that_cannot_say_why(name: str, tmp_path: Path) -> None:
    model, _ = estimators.fitted(name)
    with pytest.raises(UnsupportedType, match=name):
        skops.dump(model, tmp_path)


def test_every_estimator_that_scikit_learn_has_is_on_the_list() -> None:
    listed = {name for names in ESTIMATORS.values() for name in names.split()}
    assert set(NAMES) - listed == set(estimators.CODE_BEARING)
    for module, names in ESTIMATORS.items():
        for name in set(names.split()) & set(NAMES):
            assert estimators.classes()[name].__module__ == module


def test_every_check_is_of_a_class_that_the_list_has() -> None:
    assert [name for name in checks._CHECKS if not allowed.is_allowed("ObjectNode", name)] == []


def test_files_of_the_formats_own_library_are_read(tmp_path: Path) -> None:
    for word, example in sklearn.models().items():
        if example.format != "skops" or word in ("columns by an index", "random search"):
            continue  # its own library cannot write these two
        model = example.make()
        stock.dump(model, tmp_path / "model.skops")
        again = _load(tmp_path)
        method = next(iter(example.methods))
        assert close(getattr(again, method)(example.rows), getattr(model, method)(example.rows)), (
            word
        )


def test_a_used_model_gives_the_bytes_it_gave_before(tmp_path: Path) -> None:
    model, rows = estimators.fitted("KNeighborsClassifier")
    _dump(model, tmp_path)
    before = (tmp_path / "model.skops").read_bytes()
    model.predict(rows)
    _dump(model, tmp_path)
    assert (tmp_path / "model.skops").read_bytes() == before


def test_sets_of_words_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from modelyard.objects.formats import skops\n"
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "words = frozenset('one two three four five six seven eight'.split())\n"
        "skops.dump([CountVectorizer(stop_words=words), set(words)], Path(sys.argv[1]))\n"
        "sys.stdout.buffer.write(Path(sys.argv[1], 'model.skops').read_bytes())\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_all_types_that_are_in_the_way_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType) as caught:
        skops.dump([lambda: 1, {"a": io.BytesIO()}, iter([])], tmp_path)
    assert caught.value.details["types"] == [
        "_io.BytesIO",
        "builtins.list_iterator",
        f"{__name__}.test_all_types_that_are_in_the_way_are_told_at_once.<locals>.<lambda>",
    ]


def test_a_limited_vocabulary_is_as_small_as_a_whole_one(tmp_path: Path) -> None:
    """Its columns are numpy scalars, each of which would be a member of its own."""
    words = TfidfVectorizer(max_features=20).fit([f"a{i} b{i} c{i}" for i in range(30)])
    assert isinstance(next(iter(words.vocabulary_.values())), np.integer)
    _dump(words, tmp_path)
    with zipfile.ZipFile(tmp_path / "model.skops") as file:
        assert len(file.namelist()) < 5
    assert _load(tmp_path).vocabulary_ == words.vocabulary_


def test_shared_objects_stay_shared(tmp_path: Path) -> None:
    array, inner = np.arange(3), ["a"]
    skops.dump({"a": array, "b": array, "c": inner, "d": [inner]}, tmp_path)
    found = _load(tmp_path)
    assert found["a"] is found["b"]
    assert found["c"] is found["d"][0]


@pytest.mark.parametrize(
    "value",
    [
        np.array(["a", None, 3], dtype=object),
        np.array([["a", "b"], ["c", "d"]], dtype=object),
        np.array([[[1], [2]], [[3], [4]]], dtype=object),
        np.empty((0, 2), dtype=object),
        np.array(["", "x"]),
        np.array("2020-01-01", "M8[D]"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6)[::2],
        np.float32(1.5),
        np.str_(""),
        np.bool_(True),
        np.ma.MaskedArray([1, 2], [True, False]),
        {1: "a", 2.5: "b", "x": "d", np.int64(7): "e"},
        {True: 1, False: 0},
        dict.fromkeys(map(str, range(99)), 1),
        list(range(99)),
        [float("nan"), float("inf"), -0.0, 10**30, "é\ud800"],
        b"\0\xff",
        bytearray(b"x"),
        slice(1, None, -1),
        range(3),
        frozenset("ab"),
        1j,
        np.dtype("int32"),
        np.dtype(object),
        np.float64,
        int,
    ],
    # A set spells itself differently in each process, and pytest-xdist compares names.
    ids=lambda v: f"{type(v).__name__} {'' if isinstance(v, frozenset) else str(v)[:20]}".strip(),
)
def test_values_inside_models_come_back_as_they_were(value: Any, tmp_path: Path) -> None:
    skops.dump([value], tmp_path)
    [found] = _load(tmp_path)
    assert type(found) is type(value)
    if isinstance(value, np.ndarray):
        assert (found.dtype, found.shape) == (value.dtype, value.shape)
        assert found.flags.f_contiguous == value.flags.f_contiguous or not value.flags.c_contiguous
        np.testing.assert_array_equal(np.ma.getdata(found), np.ma.getdata(value))
    elif isinstance(value, dict):
        assert [(type(k), k, v) for k, v in found.items()] == [
            (type(k), k, v) for k, v in value.items()
        ]
    else:
        assert repr(found) == repr(value)


def test_without_the_extra_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        skops.dump([1], tmp_path)
    assert "modelyard[sklearn]" in str(caught.value)


def test_reading_imports_neither_the_formats_library_nor_estimators_it_does_not_need(
    tmp_path: Path,
) -> None:
    model, _ = estimators.fitted("Ridge")
    _dump(model, tmp_path)
    script = (
        "import sys; from pathlib import Path\n"
        "from modelyard.testing.flavors import FolderFiles\n"
        "from modelyard.objects.formats import skops\n"
        "assert not {'numpy', 'sklearn'} & set(sys.modules)\n"
        "files = FolderFiles(Path(sys.argv[1]))\n"
        "skops.inspect(files)\n"
        "assert not {'numpy', 'sklearn'} & set(sys.modules)\n"
        "skops.load(files)\n"
        "assert not {'skops', 'sklearn.ensemble'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
