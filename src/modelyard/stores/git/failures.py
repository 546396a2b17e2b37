"""What Git's words mean: one condition of ours for each, with what a person can do."""

from __future__ import annotations

import os
import re

from modelyard.base.errors import (
    ModelyardError,
    NotAllowed,
    NotFound,
    NotSupported,
    Unauthenticated,
    Unreachable,
)
from modelyard.stores.git.address import Address
from modelyard.stores.git.command import GitFailed
from modelyard.stores.git.credentials import token_for, variable_for

_UNKNOWN = re.compile(
    r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|error: 401"
    r"|Permission denied \(|Permission denied, please try again|Invalid username or"
)
_FORBIDDEN = re.compile(r"error: 403|HTTP 403|[Aa]ccess denied(?! or repository)|not authorized")
_NOWHERE = re.compile(
    r"[Rr]epository .*not found|not found: did you run|error: 404|does not appear to be a git repository"
    r"|access denied or repository not exported|not a git repository|no such repository|/info/refs not valid"
)
_SILENT = re.compile(
    r"[Cc]ould not resolve|[Cc]onnection (refused|reset|closed|timed out)|Failed to connect|unable to connect"
    r"|timed out|hung up|early EOF|Couldn't connect|unable to look up|Network is unreachable|No route to host"
    r"|RPC failed|error: 5\d\d|expected flush|Operation too slow|unexpected disconnect|transfer closed"
)
_TLS = re.compile(r"SSL certificate problem|certificate verif|SSL:|server certificate")
_HOST_KEY = re.compile(r"Host key verification failed|REMOTE HOST IDENTIFICATION")
_OLD = re.compile(r"unknown option|usage: git|unrecognized argument")
REFUSED = re.compile(
    r"unadvertised object|dumb http transport does not support|does not support (shallow|filter|--depth)"
    r"|Server does not support|couldn't find remote ref [0-9a-f]{40}"
)
"""The server is there, and cannot give a single commit or object: ask for more than is needed."""
_BROKEN = re.compile(
    r"[Bb]ad object|unable to read|[Cc]ould not read|all necessary objects|corrupt|shallow file"
)
"""What is here is not whole. Whoever called begins anew."""
UNKNOWN_OBJECT = re.compile(r"not our ref|no such remote ref [0-9a-f]{40}")


def explained(error: GitFailed, address: Address) -> ModelyardError:
    """The condition behind a failed call to a server; the failure itself where it is ours."""
    said, where = error.stderr, address.url
    if _HOST_KEY.search(said):
        return Unreachable(f"{where}: the key of {address.host} is not known to ssh, or is another one",
                           hint=f"log in once by hand: ssh {address.host}")  # fmt: skip
    if _TLS.search(said):
        return Unreachable(f"{where}: its TLS certificate is not trusted",
                           hint="a private authority is named by GIT_SSL_CAINFO or git config http.sslCAInfo")  # fmt: skip
    if _UNKNOWN.search(said):
        return Unauthenticated(f"{where} cannot be read: {_who(address)}", hint=_hint(address))
    if _FORBIDDEN.search(said):
        return NotAllowed(f"{where} may not be read: {_who(address)}", hint=_hint(address))
    if _NOWHERE.search(said):
        return NotFound(f"no Git repository at {where}",
                        hint=f"a private one looks like none to a stranger: {_hint(address)}")  # fmt: skip
    if _SILENT.search(said):
        return Unreachable(
            f"{where} does not answer, or broke off: {error.message.partition(': ')[2]}"
        )
    if _OLD.search(said):
        return NotSupported("this git is too old", hint="install git, version 2.30 or newer")
    if _BROKEN.search(said):
        return error
    return Unreachable(f"{where}: {error.message}")


def _who(address: Address) -> str:
    token = token_for(address, os.environ)
    if token is not None:
        return f"the token in {token.variable} was not accepted"
    return (
        "no key that ssh has was accepted"
        if address.scheme == "ssh"
        else "no token or password was accepted"
    )


def _hint(address: Address) -> str:
    if address.scheme == "ssh":
        return f"ssh {address.user or 'git'}@{address.host} must work without questions: load a key into an agent"
    if address.scheme != "https":
        return "tokens are sent over https only"
    if token := token_for(address, os.environ):
        return f"a token in {token.variable} that may read the repository"
    variable = variable_for(address, os.environ)
    return f"set {variable}, or a credential helper of Git for {address.host}"
