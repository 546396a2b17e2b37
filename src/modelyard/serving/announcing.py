"""What a server of models says when it is up: where it runs, and a request to try."""

from __future__ import annotations

import re
import shlex
import socket
import sys

from modelyard.base.loopback import is_loopback
from modelyard.base.notes import note
from modelyard.serving.edge import dump_json
from modelyard.serving.examples import example_body
from modelyard.serving.interface import Running
from modelyard.serving.openapi import file_content
from modelyard.serving.process import url_of
from modelyard.serving.protocols.rest import path_of
from modelyard.serving.service import Service


def running(service: Service, sock: socket.socket, host: str, *, scheme: str = "http") -> Running:
    """What people need to know about a server on this socket."""
    port = sock.getsockname()[1]
    if not is_loopback(host) and service.gate.auth is None:
        note(
            f"anyone who can reach {host} port {port} can use these models: there is no authentication (auth.keys sets it up)"
        )
    url = url_of(sock, host, scheme)
    identities = tuple(model.identity for model in service.models.values())
    return Running(url, f"{url}/docs", _curl(service, url), identities)


def _curl(service: Service, url: str) -> str:
    """A request that is answered as pasted, where keys are asked for with one in ``$KEY``: the first model's default method on
    one row of its sample."""
    curl = "curl -s" if service.gate.auth is None else 'curl -s -H "X-API-Key: $KEY"'
    model = next(iter(service.models.values()), None)
    if model is None:
        return f"{curl} {shlex.quote(url + '/interface.json')}"
    method = service.find(model.name, model.default_method)
    path = path_of(service, method)
    if file_content(method):
        return f"{curl} {shlex.quote(url + path)} -F file=@FILE"
    body = example_body(model, model.default_method, rows=1)
    if body is None:
        return f"{curl} {shlex.quote(url + '/interface.json')}"
    data = shlex.quote(dump_json(body).decode())
    return f"{curl} {shlex.quote(url + path)} -H 'Content-Type: application/json' -d {data}"


def announce(facts: Running) -> None:
    """Say on stderr where it runs, and how to try it."""
    models = re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]+", r"\1", ", ".join(facts.models))
    grpc = f"  grpc  {facts.grpc}\n" if facts.grpc else ""
    sys.stderr.write(
        f"Serving {models} on {facts.url}\n{grpc}  docs  {facts.docs_url}\n  try   {facts.curl}\n"
    )
    sys.stderr.flush()
