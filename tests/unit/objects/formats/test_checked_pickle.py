"""Pickles of other tools are read without running them; whatever hostile ones try."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute._iterative import _ImputerTriplet
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor

from cases.flavors import estimators
from cases.flavors import sklearn as sklearn_case
from cases.formats.checked_pickle import CALLS, DATA, FORGED, WRITERS, Does, named, with_joblib
from cases.formats.tables import CATEGORIES, NULLABLE, TIMES
from modelyard.base.errors import Corrupted, ModelyardError, NotSupported, TooLarge, Untrusted
from modelyard.objects.equality import same_output
from modelyard.objects.flavors import sklearn
from modelyard.objects.formats import checked_pickle
from modelyard.objects.importers.pickle import pickle_format
from modelyard.testing.flavors import FolderFiles, assert_same_answers
from modelyard.testing.formats import same

X = np.arange(40.0).reshape(10, 4) % 7
Y = np.arange(10) % 2


def read(data: bytes) -> Any:
    return checked_pickle.read(io.BytesIO(data), None)


@pytest.mark.parametrize("how", WRITERS)
def test_a_forest_answers_as_it_did(how: str) -> None:
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    assert same_output(read(WRITERS[how](forest)).predict_proba(X), forest.predict_proba(X))


@pytest.mark.parametrize("how", ["protocol 2", "protocol 5", "joblib"])
@pytest.mark.parametrize(
    "word", [w for w, e in sklearn_case.models().items() if e.format == "skops"]
)
def test_what_skops_holds_is_read_from_pickles(word: str, how: str, tmp_path: Path) -> None:
    example = sklearn_case.models()[word]
    model = example.make()
    data = WRITERS[how](model)
    if word == "random search":  # the distributions it searched hold code as text
        with pytest.raises(Untrusted, match="rv_continuous_frozen"):
            read(data)
        return
    assert_same_answers(sklearn, example, model, read(data))
    (tmp_path / "m.pkl").write_bytes(data)
    assert pickle_format(tmp_path / "m.pkl").tier == 1


NOT_ITSELF = {"LabelPropagation", "LabelSpreading"}
"""Their answers differ in the last bit after any pickling: sums depend on where arrays lie."""


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of classes that scikit-learn will drop
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the logarithm of a probability of nothing
def test_every_estimator_is_read_without_trust() -> None:
    for name in estimators.classes().keys() - estimators.CODE_BEARING.keys() - NOT_ITSELF:
        model, rows = estimators.fitted(name)
        again = read(with_joblib(model))
        for method, ask in sklearn.methods(model).items():
            try:
                expected = ask(rows)
            except (ValueError, TypeError, AttributeError):
                continue
            assert same_output(sklearn.methods(again)[method](rows), expected), (name, method)


@pytest.mark.parametrize("how", ["protocol 2", "protocol 4", "protocol 5", "joblib"])
@pytest.mark.parametrize("word", DATA)
def test_data_comes_back_as_it_was(word: str, how: str) -> None:
    value = DATA[word]
    again, usual = read(WRITERS[how](value)), pickle.loads(pickle.dumps(value))
    assert type(again) is type(value)
    if word in ("masked", "stamps"):
        assert repr(again) == repr(value)
    elif word in ("objects", "big-endian"):  # joblib gives the machine's own order
        assert again.tolist() == value.tolist()
    elif scipy.sparse.issparse(value):
        assert same_output(again, value)
    elif isinstance(value, pd.Index):
        assert again.equals(value)
        assert again.freq == value.freq
    else:
        assert same(again, usual)


def test_what_arrow_holds_and_intervals_are_left_to_those_who_trust_them() -> None:
    for value in (pd.Series([1], dtype="int64[pyarrow]"), pd.interval_range(0, 2)):
        with pytest.raises(Untrusted, match="allow-list"):
            read(pickle.dumps(value))


@pytest.mark.parametrize("how", ["protocol 0", "protocol 2", "protocol 5", "joblib", "gzip"])
@pytest.mark.parametrize("word", CALLS)
def test_calls_are_refused_and_never_made(word: str, how: str, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    if word == "getattr":
        hostile = (
            b"cbuiltins\ngetattr\n(cposix\nerror\nVsystem\ntR(Vtouch " + bytes(canary) + b"\ntR."
        )
        data = gzip.compress(hostile) if how == "gzip" else hostile
    else:
        data = WRITERS[how](CALLS[word](canary))
    for name in ("m.pkl", "m.joblib", "m.dat.gz"):
        (tmp_path / name).write_bytes(data)
        form = pickle_format(tmp_path / name)
        assert form.tier == 2
        assert form.reasons
    with pytest.raises(ModelyardError):
        pytest.fail(repr(read(data)))
    assert not canary.exists()


@pytest.mark.parametrize("deep", [1, 3])
def test_objects_inside_arrays_are_looked_at_as_well(deep: int, tmp_path: Path) -> None:
    hostile: Any = Does(os.system, f"touch {tmp_path / 'ran'}")
    for _ in range(deep):
        array = np.empty(1, object)
        array[0] = hostile
        hostile = array
    for how in ("protocol 4", "joblib", "joblib packed"):
        data = WRITERS[how](hostile)
        with pytest.raises(Untrusted, match=r"posix\.system"):
            read(data)
        (tmp_path / "m.joblib").write_bytes(data)
        assert pickle_format(tmp_path / "m.joblib").reasons == ("posix.system",)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("word", FORGED)
def test_forged_instructions_are_refused(word: str) -> None:
    if word == "a hollow dtype":  # harmless alone: it is only a description
        assert read(FORGED[word]).itemsize == 99_999_999
        return
    with pytest.raises(ModelyardError) as caught:
        pytest.fail(repr(read(FORGED[word])))
    assert str(caught.value).startswith("the pickle: ")


def state_of(model: Any, **changes: Any) -> bytes:
    """A pickle of an estimator with some of its attributes changed."""
    copy = pickle.loads(pickle.dumps(model))
    vars(copy).update(changes)
    return pickle.dumps(copy)


def changed_tree(field: str, value: int) -> bytes:
    tree = DecisionTreeRegressor(max_depth=2).fit(X, Y)
    made, arguments, state = tree.tree_.__reduce__()
    nodes = state["nodes"].copy()
    nodes[field][0] = value
    tree.tree_ = Does(made, *arguments, **{**state, "nodes": nodes})
    return pickle.dumps(tree)


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**9), ("right_child", -5), ("left_child", 0), ("feature", 10**6)],
)
def test_a_tree_that_would_crash_is_refused(field: str, value: int) -> None:
    with pytest.raises(Corrupted, match="a decision tree"):
        read(changed_tree(field, value))


def test_estimators_are_checked_as_a_whole() -> None:
    forest = RandomForestClassifier(2).fit(X, Y)
    narrow = RandomForestClassifier(2).fit(X[:, :2], Y)
    with pytest.raises(Corrupted, match="its trees have its features"):
        read(state_of(narrow, estimators_=forest.estimators_))
    near = KNeighborsClassifier().fit(X, Y)
    with pytest.raises(Corrupted, match="KNeighborsClassifier"):
        read(state_of(near, _y=np.arange(10) + 99))
    with pytest.raises(Corrupted, match="memory"):
        read(state_of(Ridge().fit(X, Y), memory="/tmp"))


def test_a_list_that_changes_after_it_was_used_is_checked_as_it_is_in_the_end() -> None:
    """The forest's list of trees is fetched once more when the forest is done, and gets a tree that does not fit."""
    wide = DecisionTreeRegressor().fit(np.hstack([X, X]), Y)
    forest = RandomForestClassifier(2).fit(X, Y)
    out = io.BytesIO()
    pickler = pickle.Pickler(out, 3)
    pickler.fast = True  # without the memo, so that it can stand inside another pickle
    pickler.dump(wide)
    start = pickle.dumps([forest.estimators_, forest], 3)[:-1]
    data = start + b"h\x01" + out.getvalue()[2:-1] + b"a0."
    assert pickle.loads(data)[1].estimators_[2].n_features_in_ == 8
    with pytest.raises(
        Corrupted, match=r"its members are fitted trees|its trees have its features"
    ):
        read(data)


def packed_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size)), packer.flush()])


def test_a_small_file_that_unpacks_to_a_large_one_is_refused() -> None:
    with pytest.raises(TooLarge, match="unpacks to more"):
        read(packed_zeros(70))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_packed_data_that_ends_early_is_told(pack: Callable[[bytes], bytes]) -> None:
    data = pack(pickle.dumps(os.urandom(2000)))
    for size in (len(data) - 1, len(data) // 2, 12):
        with pytest.raises(Corrupted):
            read(data[:size])


def test_packing_that_is_not_read_is_named() -> None:
    with pytest.raises(NotSupported, match="lz4"):
        read(b"\x04\x22M\x18" + bytes(50))


def test_what_unfolds_without_end_is_refused() -> None:
    laughs: Any = ["ha"]
    for _ in range(12):
        laughs = [laughs] * 10
    with pytest.raises(Corrupted, match="unfolds to more than"):
        read(pickle.dumps(laughs))


def test_keys_that_could_take_for_ever_to_hash_are_refused() -> None:
    key: Any = ()
    for _ in range(3):
        key = Does(_ImputerTriplet, key, key, key)
    assert isinstance(read(pickle.dumps([key])), list)
    for start, end in ((b"}", b"K\x01s"), (b"\x8f(", b"\x90"), (named("builtins", "set") + b"](", b"e\x85R")):  # fmt: skip
        with pytest.raises(Corrupted, match="nested"):
            read(b"\x80\x04" + start + fast(key) + end + b".")


def fast(obj: Any) -> bytes:
    """The instructions for an object, to stand inside another pickle."""
    out = io.BytesIO()
    pickle.Pickler(out, 3).dump(obj)
    return out.getvalue()[2:-1]


def test_one_value_is_not_repeated_as_often_as_a_file_says() -> None:
    data = pickle.dumps(pd.Series([1.5, 2.5]), 4)
    stop = b"\x8c\x04stop\x94K\x02"
    assert data.count(stop) == 1
    with pytest.raises(Corrupted, match="as long as its index"):
        read(data.replace(stop, b"\x8c\x04stop\x94J\xff\xff\xff\x7f"))


def test_an_array_is_as_large_as_its_bytes() -> None:
    data = pickle.dumps(np.arange(3.0), 4)
    shape = b"K\x03\x85"
    assert data.count(shape) == 1
    with pytest.raises(Corrupted, match="does not fit"):
        read(data.replace(shape, b"K\x04\x85"))
    with pytest.raises(Corrupted, match="does not fit"):
        read(data.replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85"))


def test_a_record_does_not_reach_beyond_its_bytes() -> None:
    kind = np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4], "itemsize": 8})
    data = pickle.dumps(np.zeros(1, kind), 4)
    assert data.count(b"K\x04\x86") == 1
    with pytest.raises(Corrupted):
        read(data.replace(b"K\x04\x86", b"K\x20\x86"))


def test_a_sparse_matrix_has_its_indices_in_bounds() -> None:
    matrix = scipy.sparse.csr_matrix(np.eye(3))
    matrix.indices[0] = 10**6
    with pytest.raises(Corrupted):
        read(pickle.dumps(matrix))


def test_texts_of_arrow_stay_within_their_bytes() -> None:
    data = pickle.dumps(pd.Series(["ab", "cd"]), 4)
    ends = struct.pack("<3q", 0, 2, 4)
    assert ends in data
    for forged in ((0, 2, 400), (0, 9, 4), (-1, 2, 4)):
        with pytest.raises(Corrupted, match="beyond their bytes"):
            read(data.replace(ends, struct.pack("<3q", *forged)))


def test_nothing_named_is_imported(tmp_path: Path) -> None:
    """Not even by looking: a name on no list stays a name."""
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04" + named("antigravity", "geohash") + b".")
    assert pickle_format(tmp_path / "m.pkl").reasons == ("antigravity.geohash",)
    import sys

    assert "antigravity" not in sys.modules


def test_what_is_not_listed_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(sklearn_case.Doubled().fit(X)))
    with pytest.raises(Untrusted) as caught:
        checked_pickle.load(FolderFiles(tmp_path))
    assert str(caught.value) == (
        "m.pkl: it names what is not on the allow-list: cases.flavors.sklearn.Doubled\n"
        "Hint: whoever trusts it can import it as code: modelyard import FILE --type pickle "
        "(or joblib), then modelyard trust"
    )


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_an_object_or_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(ModelyardError):
        read(b"\x80\x04" + data)


@pytest.mark.filterwarnings("ignore")  # libraries about versions and values they find odd
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_byte_never_runs_or_crashes(data: st.DataObject) -> None:
    good = _GOOD[data.draw(st.sampled_from(sorted(_GOOD)))]
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    with contextlib.suppress(ModelyardError):
        read(changed)


_GOOD = {
    "model": pickle.dumps(LogisticRegression().fit(X, Y), 4),
    "tree": with_joblib(DecisionTreeRegressor(max_depth=2).fit(X, Y)),
    "table": pickle.dumps(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), 4),
    "times": pickle.dumps(TIMES, 4),
    "categories": pickle.dumps(CATEGORIES, 4),
    "missing": pickle.dumps(NULLABLE, 4),
    "sparse": pickle.dumps(scipy.sparse.csr_matrix(np.eye(3)), 4),
}
