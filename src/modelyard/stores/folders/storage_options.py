"""Options of file systems from settings: ``storage.s3.anon``, ``storage.s3.endpoint_url`` …

Where requests go, and as whom, is the user's to say: in the environment or the user's own ``config.toml``. A file of a
project may say what costs nobody anything (`HARMLESS`): an address that came with a folder would be sent the user's
credentials.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from modelyard.base.config import Settings, settings, user_settings
from modelyard.base.errors import InvalidSetting, did_you_mean

HARMLESS = frozenset(["anon", "region"])
"""What a project may say."""

OPTIONS: Mapping[str, Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "s3": {
        "anon": lambda value: {"anon": value},
        "region": lambda value: {"client_kwargs": {"region_name": value}},
        "endpoint_url": lambda value: {"endpoint_url": value},
        "profile": lambda value: {"profile": value},
        "requester_pays": lambda value: {"requester_pays": value},
    },
    "gs": {
        "anon": lambda value: {"token": "anon"} if value else {},
        "endpoint_url": lambda value: {"endpoint_url": value},
        "project": lambda value: {"project": value},
        "requester_pays": lambda value: {"requester_pays": value},
    },
    "az": {
        "anon": lambda value: {"anon": value},
        "account_name": lambda value: {"account_name": value},
        "account_host": lambda value: {"account_host": value},
    },
    "sftp": {
        "user": lambda value: {"user": value},
        "port": lambda value: {"port": value},
        "key_file": lambda value: {"key_file": value},
    },
    "hdfs": {"user": lambda value: {"user": value}, "kerb_ticket": lambda v: {"kerb_ticket": v}},
    "memory": {},
}
"""Scheme -> option -> what the library takes for it."""

_WORDS = {"anon": bool, "requester_pays": bool, "port": int}


def options_for(scheme: str) -> dict[str, Any]:
    """What the library is to be opened with. `InvalidSetting` for what is unknown, or not for a project to say."""
    told: dict[str, Any] = {}
    for option, value, source in (*_of_project(scheme), *_of_user(scheme)):
        _check(scheme, option, value, source)
        told[option] = value
    return {
        k: v for option, value in told.items() for k, v in OPTIONS[scheme][option](value).items()
    }


def _of_project(scheme: str) -> Iterator[tuple[str, Any, str]]:
    """What a project's files say."""
    for option, value, source in _below(scheme, settings()):
        if source.startswith("$"):
            continue
        if option not in HARMLESS and option in OPTIONS[scheme]:
            raise InvalidSetting(
                f"{source}: storage.{scheme}.{option} is not read from a project",
                hint="an address or identity that comes with a folder could lead your credentials away: "
                f"modelyard config set --user storage.{scheme}.{option} …",
            )
        yield option, value, source


def _of_user(scheme: str) -> Iterator[tuple[str, Any, str]]:
    """What the user's own file and environment say."""
    return _below(scheme, user_settings())


def _below(scheme: str, found: Settings) -> Iterator[tuple[str, Any, str]]:
    """``storage.s3 = {anon = true}``, ``storage."s3.anon"``, ``MODELYARD_STORAGE_S3_ANON``: all are ``s3``, ``anon``."""
    for setting in found.explain():
        word = setting.key.removeprefix("storage.")
        if word == setting.key:
            continue
        if word == scheme and isinstance(setting.value, dict):
            for option, value in cast("dict[str, Any]", setting.value).items():
                yield option, value, setting.source
        elif re.match(rf"{scheme}[._]", word):
            yield word[len(scheme) + 1 :], setting.value, setting.source


def _check(scheme: str, option: str, value: Any, source: str) -> None:
    if option not in OPTIONS[scheme]:
        known = sorted(OPTIONS[scheme])
        raise InvalidSetting(
            f"{source}: storage.{scheme} has no option {option!r}",
            hint=did_you_mean(option, known) or f"known: {', '.join(known)}",
        )
    kind = _WORDS.get(option, str)
    plain = kind is not str or re.fullmatch(r"[ -~]{1,500}", str(value))
    if type(value) is not kind or not plain:
        raise InvalidSetting(f"{source}: storage.{scheme}.{option} is {value!r}")
    if option == "region" and not re.fullmatch(r"[a-z0-9-]{1,40}", value):
        raise InvalidSetting(f"{source}: storage.{scheme}.region is {value!r}, which is no region")
