"""Where a repository was cloned from, as it is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.base.errors import InvalidReference
from modelyard.stores.git.address import address_of
from modelyard.stores.git.command import git
from modelyard.yard.origins import repository_url


@pytest.mark.parametrize(
    ("url", "recorded"),
    [
        ("https://ghp_secret0123456789@github.com/org/repo", "https://github.com/org/repo"),
        ("https://ana:secret@github.com/org/repo", "https://github.com/org/repo"),
        ("ssh://git@github.com/org/repo", "ssh://git@github.com/org/repo"),
        ("git@github.com:org/repo", "git@github.com:org/repo"),
    ],
)
def test_nothing_secret_is_recorded(tmp_path: Path, url: str, recorded: str) -> None:
    git(None, "init", "--quiet", str(tmp_path))
    git(tmp_path, "config", "remote.origin.url", url)
    assert repository_url(tmp_path) == recorded


def test_an_address_with_a_token_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidReference, match="password or token") as raised:
        address_of("https://ghp_secret0123456789@github.com/org/repo")
    assert "secret" not in raised.value.message
