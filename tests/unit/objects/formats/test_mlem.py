"""The formats in which MLEM kept things are only read; damaged artifacts are told and read by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cases.formats import mlem as models
from cases.formats import mlem_data as data
from cases.formats import mlem_pickled as pickled
from modelyard.base import plugins
from modelyard.base.errors import ModelyardError, UnsupportedFormat
from modelyard.objects import formats
from modelyard.objects.assembled import assemble
from modelyard.objects.card import Card
from modelyard.objects.formats import mlem, mlem_data, mlem_pickled
from modelyard.objects.native import model_format, reading_format
from modelyard.types import infer


def files(content: Mapping[str, bytes]) -> Any:
    return assemble(Card(), content, "m", "m").files


@pytest.mark.parametrize("word", models.BROKEN)
def test_a_spoiled_model_is_told(word: str) -> None:
    content, said = models.BROKEN[word]
    with pytest.raises(ModelyardError) as caught:
        mlem.load(files(content))
    assert said in str(caught.value)


@pytest.mark.parametrize("word", data.BROKEN)
def test_spoiled_data_is_told(word: str) -> None:
    content, said = data.BROKEN[word]
    with pytest.raises(ModelyardError) as caught:
        mlem_data.read_files(files(content), None)
    assert said in str(caught.value)


@pytest.mark.parametrize("word", pickled.BROKEN)
def test_a_spoiled_pickle_is_told(word: str) -> None:
    content, said = pickled.BROKEN[word]
    with pytest.raises(ModelyardError) as caught:
        mlem_pickled.read_files(files(content), None)
    assert said in str(caught.value)


def test_they_are_found_by_name_and_nothing_is_written_in_them(tmp_path: Path) -> None:
    assert reading_format("mlem") is mlem
    assert (mlem.TIER, mlem_data.TIER, mlem_pickled.TIER) == (2, 0, 2)
    with pytest.raises(UnsupportedFormat):
        model_format("mlem")
    for name in ("mlem_data", "mlem_pickled"):
        found: Any = plugins.find("formats", name)
        assert formats.named(name) is found
        assert not found.can_hold(infer(1))
        with pytest.raises(UnsupportedFormat, match="only read"):
            found.write(1, tmp_path / "x", infer(1))


def test_what_loading_would_import_is_told_without_loading() -> None:
    content = {"mlem.json": models.plan(), "model/data": b"cos\nsystem\n."}
    assert list(mlem.inspect(files(content))) == ["os.system"]


def test_keys_that_json_would_merge_stay_apart() -> None:
    inner = data.primitive("int")
    reader = data.reader(type="dict", item_readers={1: inner, "a": inner})
    value = mlem_data.read_files(
        files({"reader.json": reader, "1/data": b"2", "a/data": b"3"}), None
    )
    assert value == {1: 2, "a": 3}
