"""skops files beyond the allow-list are code: told, and read once somebody trusts them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cases.formats.trusted_skops import BROKEN, NAMES, Doubled, written
from modelyard.base.digests import FileEntry, sha256_bytes
from modelyard.base.errors import ModelyardError, Untrusted
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.formats import skops, trusted_skops


def files(folder: Path, data: bytes) -> ArtifactFiles:
    (folder / "m.skops").write_bytes(data)
    entry = FileEntry("m.skops", len(data), sha256_bytes(data))
    return ArtifactFiles([entry], FolderOpener(folder), "m")


def test_it_reads_what_the_safe_reader_refuses(tmp_path: Path) -> None:
    made = files(tmp_path, written())
    with pytest.raises(Untrusted):
        skops.load(made)
    model = trusted_skops.load(made)
    assert isinstance(model, Doubled)
    assert model.predict([[1.0]])[0] == pytest.approx(2 * 4 / 3)
    assert set(NAMES) <= set(trusted_skops.inspect(made))


@pytest.mark.parametrize("word", BROKEN)
def test_broken_files_are_named(word: str, tmp_path: Path) -> None:
    data, text = BROKEN[word]
    with pytest.raises(ModelyardError, match=text):
        trusted_skops.load(files(tmp_path, data))
