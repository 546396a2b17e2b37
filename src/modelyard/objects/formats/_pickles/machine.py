"""Follow the instructions of a pickle without doing what they say: nothing is imported, called or made.

What would be looked up becomes a `Named`, what would be called a `Made`; lists, dicts, texts and numbers are themselves.
So a pickle turns into a graph that can be looked at (which names, which of them called) and, where all of it is known to be
harmless, built afterwards (`building`). Also reads the arrays that joblib writes between the instructions.
"""

from __future__ import annotations

import _compat_pickle
import io
import math
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar

from modelyard.base.errors import ModelyardError

ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
LARGE = 64 << 10
"""Bytes over this size are not kept while a pickle is only looked at."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a pickle looks up: a class, a function, any global. It stays a name."""

    dotted: str


@dataclass(slots=True, eq=False)
class Made:
    """What a pickle would make: ``func(*args)``, then its state and its items."""

    func: Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    new: bool = False
    """``func.__new__(func, *args)`` rather than a call."""
    state: Any = None
    stated: bool = False
    items: list[Any] = field(default_factory=list[Any])
    """Of a list or set of its own class."""
    pairs: list[tuple[Any, Any]] = field(default_factory=list[tuple[Any, Any]])
    """Of a dict of its own class."""
    raw: Any = None
    """Of an array that joblib wrote: its bytes, or for an array of objects the graph of their pickle."""

    @property
    def name(self) -> str:
        """The dotted name of what is called, empty when that was made itself."""
        return self.func.dotted if isinstance(self.func, Named) else ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that were not kept."""

    size: int


@dataclass(slots=True)
class Graph:
    """What was read. Names are in order of appearance."""

    root: Any = None
    names: dict[str, None] = field(default_factory=dict[str, None])
    """All that would be looked up."""
    calls: dict[str, None] = field(default_factory=dict[str, None])
    """Those of them that would be called."""
    fault: str = ""
    """Where it is damaged, in words."""


def read(stream: IO[bytes], *, keep: bool = True) -> Graph:
    """The graph of an unpacked pickle. With ``keep=False`` large bytes are passed over."""
    graph = Graph()
    try:
        graph.root = _Machine(stream, graph, keep).load()
    except ModelyardError as error:
        graph.fault = error.message
    except _FAULTS as error:
        graph.fault = f"the pickle is damaged: {error or type(error).__name__}"
    return graph


_FAULTS = (
    pickle.UnpicklingError,
    ValueError,
    KeyError,
    IndexError,
    EOFError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    UnicodeError,
    RecursionError,
    MemoryError,
    OSError,
)


class _Bounded:
    """A stream that never sets aside more memory than it has bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        here = stream.tell()
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(here)
        self._stream = stream

    def read(self, count: int) -> bytes:
        data = self.some(count)
        if len(data) < count:
            raise EOFError("it ends early")
        return data

    def readline(self) -> bytes:
        return self._stream.readline()

    def some(self, count: int) -> bytes:
        """As many bytes as there are."""
        return self._stream.read(min(count, self.size))

    def skip(self, count: int) -> Skipped:
        if self._stream.tell() + count > self.size:
            raise EOFError("it ends early")
        self._stream.seek(count, io.SEEK_CUR)
        return Skipped(count)


Step = Callable[["_Machine"], None]


class _Machine(pickle._Unpickler):  # type: ignore[misc,name-defined]  # the one written in Python: its steps can be replaced
    dispatch: ClassVar[dict[int, Step]] = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]
    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]
    proto: int
    _unframer: Any

    def __init__(self, stream: IO[bytes], graph: Graph, keep: bool, deep: int = 0) -> None:
        self._source = stream if isinstance(stream, _Bounded) else _Bounded(stream)
        super().__init__(self._source)
        self._graph, self._keep, self._deep = graph, keep, deep

    def find_class(self, module: str, name: str) -> Named:
        if self.proto < 3:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        return self._named(f"{module}.{name}")

    def _named(self, dotted: str) -> Named:
        self._graph.names[dotted] = None
        return Named(dotted)

    def get_extension(self, code: int) -> None:
        self.append(self._named(f"(extension {code} of copyreg)"))

    def persistent_load(self, pid: Any) -> Named:
        what = pid if isinstance(pid, str) else "something"
        return self._named(f"({what} kept outside the pickle)")

    def _make(self, func: Any, args: Any, **how: Any) -> Any:
        args = tuple(args)
        name = func.dotted if isinstance(func, Named) else ""
        if (rule := _STATIC.get(name)) is not None and (known := rule(self, args)) is not None:
            return known
        self._graph.calls[name or "(the result of a call)"] = None
        return Made(func, args, **how)

    def load_reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], args)

    def _instantiate(self, klass: Any, args: list[Any]) -> None:
        self.append(self._make(klass, args))

    def load_newobj(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], args, new=True)

    def load_newobj_ex(self) -> None:
        kwargs, args = self.stack.pop(), self.stack.pop()
        self.stack[-1] = self._make(self.stack[-1], args, kwargs=dict(kwargs), new=True)

    def load_build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made) or made.stated:
            raise ValueError("a state is set where none belongs")
        made.state, made.stated = state, True
        if made.name == ARRAY_WRAPPER:
            made.raw = self._raw(made)

    def _raw(self, wrapper: Made) -> Any:
        """The bytes of an array, which follow their description in the file itself."""
        if not self._between_frames():
            raise ValueError("an array inside other instructions")
        size = itemsize(wrapper.state["dtype"])
        if size is None:
            if self._deep > 100:
                raise ValueError("arrays of objects in arrays of objects")
            return _Machine(self._source, self._graph, self._keep, self._deep + 1).load()  # type: ignore[arg-type]
        if wrapper.state.get("numpy_array_alignment_bytes") is not None:
            self._source.read(self._source.read(1)[0])
        count = math.prod(_sizes(wrapper.state["shape"])) * size
        return self._source.read(count) if self._keep else self._source.skip(count)

    def _between_frames(self) -> bool:
        frame = self._unframer.current_frame
        return frame is None or frame.tell() == len(frame.getbuffer())

    def _literal(self, count: int) -> None:
        passing = not self._keep and count > LARGE and self._between_frames()
        self.append(self._source.skip(count) if passing else self.read(count))

    def load_binbytes(self) -> None:
        self._literal(struct.unpack("<I", self.read(4))[0])

    def load_binbytes8(self) -> None:
        self._literal(struct.unpack("<Q", self.read(8))[0])

    def load_bytearray8(self) -> None:
        self.load_binbytes8()
        if isinstance(self.stack[-1], bytes):
            self.stack[-1] = bytearray(self.stack[-1])

    def load_frame(self) -> None:
        [size] = struct.unpack("<Q", self.read(8))
        if not self._between_frames():
            raise ValueError("a frame begins inside another one")
        # One that was cut off still tells the names at its beginning.
        self._unframer.current_frame = io.BytesIO(self._source.some(size))

    def load_list_items(self) -> None:
        items = self.pop_mark()
        self._add(self.stack[-1], items, list)

    def load_append(self) -> None:
        item = self.stack.pop()
        self._add(self.stack[-1], [item], list)

    def load_additems(self) -> None:
        items = self.pop_mark()
        self._add(self.stack[-1], items, set)

    def _add(self, target: Any, items: list[Any], kind: type) -> None:
        if isinstance(target, Made):
            target.items += items
        elif type(target) is not kind:
            raise ValueError(f"items for a {type(target).__name__}")
        elif isinstance(target, list):
            target += items
        else:
            target.update(map(_key, items))

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set(self.stack[-1], [key, value])

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._set(self.stack[-1], items)

    def _set(self, target: Any, items: list[Any]) -> None:
        pairs = list(zip(items[::2], items[1::2], strict=True))
        if isinstance(target, Made):
            target.pairs += pairs
        elif type(target) is dict:
            target.update((_key(key), value) for key, value in pairs)
        else:
            raise ValueError(f"keys for a {type(target).__name__}")

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set(self.stack[-1], items)

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        self.append(frozenset(map(_key, items)))


for _code, _step in {
    pickle.REDUCE: _Machine.load_reduce,
    pickle.NEWOBJ: _Machine.load_newobj,
    pickle.NEWOBJ_EX: _Machine.load_newobj_ex,
    pickle.BUILD: _Machine.load_build,
    pickle.BINBYTES: _Machine.load_binbytes,
    pickle.BINBYTES8: _Machine.load_binbytes8,
    pickle.BYTEARRAY8: _Machine.load_bytearray8,
    pickle.FRAME: _Machine.load_frame,
    pickle.APPEND: _Machine.load_append,
    pickle.APPENDS: _Machine.load_list_items,
    pickle.ADDITEMS: _Machine.load_additems,
    pickle.SETITEM: _Machine.load_setitem,
    pickle.SETITEMS: _Machine.load_setitems,
    pickle.DICT: _Machine.load_dict,
    pickle.FROZENSET: _Machine.load_frozenset,
}.items():
    _Machine.dispatch[_code[0]] = _step


def itemsize(dtype: Any) -> int | None:
    """Bytes of one item of a dtype that was not made; None when it holds objects."""
    if not isinstance(dtype, Made) or dtype.name != "numpy.dtype" or not dtype.args:
        raise ValueError("an array without a dtype")
    code, state = dtype.args[0], dtype.state if isinstance(dtype.state, tuple) else ()
    if not isinstance(code, str) or not code:
        raise ValueError("a dtype without a code")
    fields = state[4] if len(state) > 4 and isinstance(state[4], dict) else {}
    if code[0] == "O" or any(itemsize(parts[0]) is None for parts in fields.values()):
        return None
    size = int(code[1:]) * (4 if code[0] == "U" else 1)
    if size < 0:
        raise ValueError("a dtype of no size")
    return size


def _sizes(shape: Any) -> list[int]:
    sizes = [int(n) for n in shape]
    if min(sizes, default=0) < 0:
        raise ValueError("an array of negative size")
    return sizes


def _key(key: Any) -> Any:
    """A key, or item of a set: nested tuples could take for ever to hash."""
    parts = list(key) if type(key) in (tuple, frozenset) else [key]
    if any(type(part) in (tuple, frozenset, list, dict, set) for part in parts):
        raise ValueError("a key that is nested")
    return key


def _getattr(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """An attribute of something named is a name as well."""
    match args:
        case (Named(dotted), str(attribute)):
            return machine._named(f"{dotted}.{attribute}")
    return None


def _reconstructor(machine: _Machine, args: tuple[Any, ...]) -> Any:
    match args:
        case (Named() as cls, Named("builtins.object"), None):
            return machine._make(cls, (), new=True)
        case (Named() as cls, Named("builtins.dict"), dict() as pairs):
            return machine._make(cls, (), new=True, pairs=list(pairs.items()))
    return None


def _newobj(machine: _Machine, args: tuple[Any, ...]) -> Any:
    return machine._make(args[0], args[1:], new=True) if args else None


def _encode(machine: _Machine, args: tuple[Any, ...]) -> Any:
    """How old protocols spell bytes."""
    match args:
        case (str(text), "latin1"):
            return text.encode("latin1")
    return None


_STATIC: Mapping[str, Callable[[_Machine, tuple[Any, ...]], Any]] = {
    "builtins.getattr": _getattr,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": _newobj,
    "_codecs.encode": _encode,
}
"""Calls whose result is known without making it; None when it is not."""

SPELLING = frozenset([*_STATIC, "builtins.object", "builtins.dict"])
"""Names that pickles use to spell other things: they count when they are called otherwise."""
