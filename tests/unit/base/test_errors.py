"""The tree of errors, their table and their exact texts."""

import re

import pytest

from modelyard.base import errors
from modelyard.base.errors import (
    TABLE,
    Conflict,
    InvalidReference,
    MissingExtra,
    ModelyardError,
    NotFound,
    Row,
    SchemaMismatch,
    StorageFull,
    describe,
    did_you_mean,
)

CLASSES = [
    cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, ModelyardError)
]

BUILT_IN = {
    "InvalidInput": ValueError,
    "UnsupportedType": TypeError,
    "NotFound": LookupError,
    "FileMissing": FileNotFoundError,
    "NotAllowed": PermissionError,
    "AlreadyExists": FileExistsError,
    "AddressInUse": OSError,
    "Unreachable": ConnectionError,
    "MissingExtra": ImportError,
    "StorageFull": OSError,
    "ModelFailed": RuntimeError,
}


def test_the_text_is_what_and_where_then_what_to_do():
    error = NotFound("no model named 'chrun' in yard.db", hint="did you mean 'churn'?")
    assert str(error) == "no model named 'chrun' in yard.db\nHint: did you mean 'churn'?"
    assert str(NotFound("no model")) == "no model"


def test_facts_for_machines():
    error = SchemaMismatch("X[3].age: expected int64", field="X[3].age", expected="int64")
    assert error.details == {"field": "X[3].age", "expected": "int64"}
    assert error.code == "schema_mismatch"


def test_a_missing_extra_says_what_to_install():
    error = MissingExtra("reading Parquet", "arrow", missing="pyarrow")
    assert str(error) == (
        "reading Parquet comes with the extra 'arrow' (pyarrow is not installed)\n"
        "Hint: pip install 'modelyard[arrow]'"
    )
    assert error.details["extra"] == "arrow"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_has_a_row_and_a_place_in_the_drawing(cls):
    assert cls in TABLE
    assert re.search(rf"\b{cls.__name__}\b", errors.__doc__ or "")


def test_the_table_has_no_other_rows():
    assert set(TABLE) == set(CLASSES)


def test_the_drawing_shows_each_class_below_its_parent():
    drawn = {}
    above = [(-1, ModelyardError)]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            depth, cls = len(match[1]), getattr(errors, match[2])
            while above[-1][0] >= depth and len(above) > 1:
                above.pop()
            drawn[cls] = above[-1][1]
            above.append((depth, cls))
    del drawn[ModelyardError]
    assert drawn
    assert {c: p for c, p in drawn.items() if p not in c.__mro__[1:]} == {}


def test_each_class_is_the_built_in_that_fits():
    assert all(issubclass(getattr(errors, name), built_in) for name, built_in in BUILT_IN.items())


def test_codes_are_stable_words_and_each_is_used_once():
    codes = [row.code for row in TABLE.values()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_exit_codes_are_those_of_the_command_line():
    assert {row.exit_code for row in TABLE.values()} == {1, 2, 3, 4, 5, 6, 7}
    assert describe(NotFound("x")).exit_code == 3
    assert describe(Conflict("x")).exit_code == 5


def test_an_error_of_a_plugin_takes_the_row_of_its_nearest_class():
    class Gone(NotFound):
        pass

    assert describe(Gone("x")) == TABLE[NotFound]
    assert Gone("x").code == "not_found"


def test_a_foreign_exception_is_a_failure():
    assert describe(KeyError("x")) == Row("failed", 1, 500, "INTERNAL_ERROR")


def test_a_built_in_handler_catches_ours():
    with pytest.raises(ValueError, match="no such"):
        raise InvalidReference("no such")
    with pytest.raises(OSError, match="full"):
        raise StorageFull("full")


def test_near_words():
    assert did_you_mean("chrun", ["churn", "iris"]) == "did you mean 'churn'?"
    assert did_you_mean("iris1", ["iris", "iris2"]) == "did you mean 'iris' or 'iris2'?"
    assert did_you_mean("xyz", ["churn"]) is None
