"""The other side of `spawning`: ``python -m modelyard.serving.spawned FD``. Nobody calls it by hand."""

from __future__ import annotations

import os
import socket
import sys

from modelyard.serving.channel import Channel
from modelyard.serving.spawning import PATH


def main() -> None:
    """Take the function from the channel, and run it."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    channel = Channel(sock)
    try:
        path, function, arguments = channel.receive()
    except EOFError:
        return
    if path is None:
        os.environ.pop(PATH, None)
    else:
        os.environ[PATH] = path
    function(channel, *arguments)


if __name__ == "__main__":
    main()
