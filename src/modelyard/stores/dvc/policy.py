"""Which options of a remote count: a repository may say where its data is, never what happens with the reader's secrets.

``.dvc/config`` comes with a repository, at any revision of anybody's. So:

- what it says about *where* (url, endpoint, account, region, user name, port) counts, and so do passwords and keys that stand in
  it: they are the repository's own;
- files of this machine that it names (key files, credential files), commands, questions to the user, and checks of
  certificates that it would turn off do not count;
- where it names an *endpoint* (``endpointurl``), the reader's own credentials of the environment or of ``~/.aws`` are not sent
  there: only those that the reader gave for this remote in ``.dvc/config.local``, or when the environment names
  that endpoint too;
- a secret in the reader's global configuration counts only for a remote whose url and endpoint it names itself: a name alone is
  anybody's to take;
- a repository of the internet leads to no address of this machine or its network.

What the reader wrote (``.dvc/config.local`` of a clone, unless Git has it; the global and the system's file) counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from modelyard.base.errors import NotAllowed
from modelyard.base.outbound import leads_inside
from modelyard.stores.dvc.config import Config, Option, RemoteSettings

OWN = frozenset(["local", "call"])
MACHINE = frozenset(["system", "global"])

_NEVER_FROM_REPOSITORY = frozenset(
    [
        "credentialpath",
        "configpath",
        "keyfile",
        "cert_path",
        "key_path",
        "passphrase",
        "ssl_verify",
        "use_ssl",
        "ask_password",
        "ask_passphrase",
        "bearer_token_command",
        "gss_auth",
        "kerberos",
        "proxy_to",
        "data_proxy_target",
        "gdrive_user_credentials_file",
        "gdrive_service_account_json_file_path",
    ]
)
_SECRETS = frozenset(
    [
        "password",
        "token",
        "passphrase",
        "access_key_id",
        "secret_access_key",
        "session_token",
        "connection_string",
        "sas_token",
        "account_key",
        "client_secret",
        "oss_key_secret",
        "gdrive_client_secret",
        "custom_auth_header",
        "keyfile",
        "credentialpath",
    ]
)
_ENDPOINTS = frozenset(["url", "endpointurl", "oss_endpoint", "connection_string", "account_name"])
_CALLED = frozenset(["http", "https", "ssh"])
_REDIRECTING = frozenset(["endpointurl", "connection_string", "oss_endpoint"])


@dataclass(frozen=True, slots=True)
class Honoured:
    """The options that count, and what was left out."""

    options: Mapping[str, str]
    ignored: tuple[str, ...]
    """Names of options that did not count, for a hint when the remote says no."""
    ambient: bool
    """Whether credentials of the environment may be used there."""

    def flag(self, name: str, default: bool = False) -> bool:
        """An option that is true or false."""
        told = self.options.get(name)
        return default if told is None else told.lower() in ("true", "1", "yes", "on")


def honoured(settings: RemoteSettings, environ: Mapping[str, str] = os.environ) -> Honoured:
    """What counts of a remote's options."""
    places = [o for name, o in settings.options.items() if name in _ENDPOINTS]
    foreign = any(option.level == "repo" for option in places)
    kept: dict[str, str] = {}
    ignored: list[str] = []
    for name, option in settings.options.items():
        if _counts(name, option, foreign):
            kept[name] = option.value
        else:
            ignored.append(name)
    redirected = any(
        option.level == "repo" and option.value not in _endpoints_of(environ)
        for name, option in settings.options.items()
        if name in _REDIRECTING
    )
    return Honoured(kept, tuple(sorted(ignored)), ambient=not redirected)


def refuse_inside(
    settings: RemoteSettings,
    origin: str,
    reader: Config,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """`NotAllowed` where a repository of the internet leads to an address of this machine or its network that the reader
    never named."""
    known = {o.value for section in reader.remotes.values() for o in section.values()}
    known |= _endpoints_of(environ)
    for name in ("url", "endpointurl"):
        told = settings.options.get(name)
        if told is None or told.level != "repo" or told.value in known:
            continue
        # To another machine's share Windows logs in by itself.
        share = told.value.startswith(("\\\\", "//"))
        called = urlsplit(told.value).scheme in _CALLED
        if share or (called and leads_inside(origin, told.value)):
            raise NotAllowed(
                f"the remote {settings.name!r} of {origin} is at an address of this machine or its network",
                hint=f"if you know it, say so: dvc remote add --global NAME URL, or remote modify --global NAME {name} …",
            )


def has_own_keys(settings: RemoteSettings) -> bool:
    """Whether the reader gave keys for this very remote: those are sent, and none of the environment."""
    return any(o.level in OWN for name, o in settings.options.items() if name in _SECRETS)


def _counts(name: str, option: Option, foreign: bool) -> bool:
    if option.level in OWN:
        return True
    if option.level in MACHINE:
        return not (foreign and name in _SECRETS)
    return name not in _NEVER_FROM_REPOSITORY


def _endpoints_of(environ: Mapping[str, str]) -> set[str]:
    """Endpoints that the environment names: that is the reader's word."""
    names = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "STORAGE_EMULATOR_HOST")
    return {environ[name] for name in names if environ.get(name)}
