"""Tokens from the environment, each for the host that it belongs to, handed to Git by a credential helper.

A helper of Git is asked by host, also after a redirect, so that a token goes nowhere else; it stands in the environment
of that one Git and in no command line, no configuration and no URL. Without one of these variables Git does what it
does by itself: its own credential helpers, an ssh agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modelyard.stores.git.address import Address

_HELPER = (
    '!f() { test "$1" = get || exit 0; printf "username=%s\\npassword=%s\\n" '
    '"$MODELYARD_GIT_HELPER_USER" "$MODELYARD_GIT_HELPER_SECRET"; }; f'
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the variable that it stands in."""

    variable: str
    host: str
    user: str
    secret: str = field(repr=False)


def _known(environ: Mapping[str, str]) -> Iterator[Token]:
    """All tokens of the environment; the first of a host is the one that counts."""

    def host(*variables: str, default: str = "") -> str:
        found = next((value for name in variables if (value := environ.get(name))), default)
        return found.partition("://")[2].partition("/")[0] or found.rstrip("/")

    own = host("MODELYARD_GIT_TOKEN_HOST")
    github = host("GITHUB_SERVER_URL", "GH_HOST", default="github.com")
    gh = host("GH_HOST", "GITHUB_SERVER_URL", default="github.com")
    job = host("CI_SERVER_URL", "CI_SERVER_HOST", default="gitlab.com")
    gitlab = host("GITLAB_HOST", "CI_SERVER_URL", "CI_SERVER_HOST", default="gitlab.com")
    for variable, belongs, user in (
        ("MODELYARD_GIT_TOKEN", own, "oauth2"),
        ("GH_TOKEN", gh, "x-access-token"),
        ("GITHUB_TOKEN", github, "x-access-token"),
        ("GITLAB_TOKEN", gitlab, "oauth2"),
        ("CI_JOB_TOKEN", job, "gitlab-ci-token"),
        ("BITBUCKET_TOKEN", "bitbucket.org", "x-token-auth"),
    ):
        if belongs and (secret := environ.get(variable, "").strip()):
            yield Token(variable, belongs.lower().removesuffix(":443"), user, secret)


def token_for(address: Address, environ: Mapping[str, str]) -> Token | None:
    """The token of an address. Only https carries one: anything else would show it to whoever listens."""
    if address.scheme != "https":
        return None
    return next((token for token in _known(environ) if token.host == address.host), None)


def helper(address: Address, token: Token) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Settings for Git and variables for its environment that hand it the token."""
    section = f"credential.https://{address.host}"
    # The empty one ends the list of the user's helpers, so that none of them is told to keep this token.
    settings = [(f"{section}.helper", ""), (f"{section}.helper", _HELPER)]
    variables = {
        "MODELYARD_GIT_HELPER_USER": address.user or token.user,
        "MODELYARD_GIT_HELPER_SECRET": token.secret,
    }
    return settings, variables


def variable_for(address: Address, environ: Mapping[str, str]) -> str:
    """Which variable a person would set to be let in there, in words."""
    others = {"github.com": "GITHUB_TOKEN", "gitlab.com": "GITLAB_TOKEN", "bitbucket.org": "BITBUCKET_TOKEN"}  # fmt: skip
    for name, variables in (("GITHUB_TOKEN", ("GITHUB_SERVER_URL", "GH_HOST")), ("GITLAB_TOKEN", ("GITLAB_HOST", "CI_SERVER_URL"))):  # fmt: skip
        if any(address.host in environ.get(variable, "").lower() for variable in variables):
            return name
    named = f"MODELYARD_GIT_TOKEN with MODELYARD_GIT_TOKEN_HOST={address.host}"
    return others.get(address.host, named)
