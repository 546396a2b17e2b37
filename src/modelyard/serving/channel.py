"""Messages between a process and one that it started: pickled, over a pair of sockets that nobody else can reach.

Arrays cross as they lie in memory (pickle's protocol 5, out of band): they are neither copied into a pickle nor out of it.
Both ends are ours and of one version, so that this is no format to keep, and no way in for anybody.
"""

from __future__ import annotations

import contextlib
import pickle
import select
import socket
import struct
import threading
from typing import Any

OUT_OF_BAND = 16 << 10
"""From this size on, bytes that an object lends out cross by themselves."""

_HEAD = struct.Struct("<QI")
_SIZE = struct.Struct("<Q")
_NONE = pickle.dumps(None)
_NOTHING = _HEAD.pack(len(_NONE), 0) + _NONE


class Channel:
    """One end. Any thread may send; one at a time receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=64 << 10)
        self._sending = threading.Lock()

    def send(self, message: Any, seconds: float | None = None) -> None:
        """Hand a message over. `OSError` when nobody is there any more, `TimeoutError` when nobody takes it for so long; what
        cannot be pickled raises before a byte is sent."""
        buffers: list[memoryview] = []

        def lends(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes < OUT_OF_BAND:
                return True  # into the pickle
            buffers.append(raw)
            return False

        data = pickle.dumps(message, protocol=5, buffer_callback=lends)
        sizes = b"".join(_SIZE.pack(buffer.nbytes) for buffer in buffers)
        with self._sending:
            self._sock.settimeout(seconds)
            self._sock.sendall(_HEAD.pack(len(data), len(buffers)) + sizes + data)
            for buffer in buffers:
                self._sock.sendall(buffer)

    def beat(self) -> None:
        """Send None, if it can be done at once: a sign of life is not worth waiting for."""
        with self._sending, contextlib.suppress(OSError):
            self._sock.send(_NOTHING, socket.MSG_DONTWAIT)

    def receive(self, seconds: float | None = None) -> Any:
        """The next message. `EOFError` when the other end is gone, `TimeoutError` when it stays silent so long: the channel is of
        no use then."""
        self._sock.settimeout(seconds)
        try:
            length, count = _HEAD.unpack(self._read(_HEAD.size))
            sizes = [_SIZE.unpack(self._read(_SIZE.size))[0] for _ in range(count)]
            data = self._read(length)
            buffers = [self._read(size) for size in sizes]
        except ConnectionError as error:
            raise EOFError from error
        return pickle.loads(data, buffers=buffers)

    def wait_for_end(self) -> None:
        """Return when the other end is gone, whatever has not been read yet."""
        poll = select.poll()
        poll.register(self._sock, getattr(select, "POLLRDHUP", 0))
        poll.poll()

    def close(self) -> None:
        """Hang up: a thread that receives at either end gets `EOFError`."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._stream.close()

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            read = self._stream.readinto(view)  # type: ignore[attr-defined]  # it is a BufferedReader
            if not read:
                raise EOFError
            view = view[read:]
        return data
