"""What stands between SageMaker's clients and a container: maps an endpoint's paths to the container's, as the platform does."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

_PATH = re.compile(r"/endpoints/([\w-]+)/invocations")


class _Router(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    container: httpx2.Client

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert _PATH.fullmatch(self.path), self.path
        passed = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes")
        headers = {name: self.headers[name] for name in passed if self.headers[name]}
        target = self.headers["X-Amzn-SageMaker-Target-Model"]
        path = "/invocations"
        if target:
            headers["X-Amzn-SageMaker-Target-Model"] = target
            path = f"/models/{target.removesuffix('.tar.gz')}/invoke"
        answer = self.container.post(path, content=body, headers=headers)
        if answer.status_code == 200:
            self._send(200, answer.content, answer.headers)
            return
        told = {
            "Message": f"Received {answer.status_code} from primary",
            "OriginalStatusCode": answer.status_code,
            "OriginalMessage": answer.text,
        }
        self._send(424, json.dumps(told).encode(), {"x-amzn-errortype": "ModelError"})

    def _send(self, status: int, body: bytes, headers: object) -> None:
        self.send_response(status)
        for name in ("content-type", "x-amzn-sagemaker-custom-attributes", "x-amzn-errortype"):
            if name in headers:  # type: ignore[operator]
                self.send_header(name, headers[name])  # type: ignore[index]
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def routed(container: httpx2.Client) -> Iterator[str]:
    """The address of such a router in front of a container."""
    handler = type("Router", (_Router,), {"container": container})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(30)
