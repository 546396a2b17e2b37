"""Wrapping functions that train, and running hooks around their calls.

The wrapper is a function like the one it stands for (`inspect.isfunction`, signature, name), because libraries look at
these. It names nothing of this package: a class that is pickled by value takes it along, and where this package is not
loaded, or the hook not installed, it is the original and nothing else. So do worker processes not log.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from modelyard.yard.autologging.calls import MOST_TRAININGS, Call, ongoing
from modelyard.yard.autologging.interface import Hook, Options
from modelyard.yard.autologging.trouble import contained, probe, report


class LimitReached(Exception):
    """A loop trains more in one run than anybody will look at."""


@dataclass(frozen=True, slots=True)
class _Installed:
    name: str
    hook: Hook
    within: tuple[Hook, ...]
    options: Options


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something was put, and what was there."""

    owner: weakref.ref[Any]
    name: str
    before: Any
    now: Any
    key: str | None


_ABSENT = object()
_installed: dict[str, _Installed] = {}


def wrapper_of(function: Callable[..., Any], key: str) -> Callable[..., Any]:
    """A function that is ``function``, with the hook of that key around it while there is one."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        import sys

        here = sys.modules.get("modelyard.yard.autologging.wrapping")
        if here is None:
            return function(*args, **kwargs)
        return here.called(key, function, args, kwargs)

    return wrapper


def called(
    key: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The call of a wrapped function: logged when a hook is installed and no logged call is around it."""
    installed = _installed.get(key)
    if installed is None:
        return function(*args, **kwargs)
    outer = _enclosing()
    if outer is not None and outer.kept.get("hook") not in installed.within:
        return function(*args, **kwargs)
    call = Call(installed.name, function, args, kwargs, installed.options, outer)
    call.kept["hook"] = installed.hook
    ident = threading.get_ident()
    before = ongoing.get(ident)
    ongoing[ident] = call
    try:
        return _around(call, installed.hook, args, kwargs)
    finally:
        if before is None:
            ongoing.pop(ident, None)
        else:
            ongoing[ident] = before


def _enclosing() -> Call | None:
    """The logged call that this thread is in, or that made this thread: pools of threads are made by a training."""
    if not ongoing:
        return None
    thread = threading.current_thread()
    for _ in range(8):
        call = ongoing.get(thread.ident or 0)
        thread = getattr(thread, "_parent", None)
        if call is not None or not isinstance(thread, threading.Thread):
            return call
    return None


def _around(call: Call, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    steps, trouble = _begun(call, hook)
    if steps is not None:
        args, kwargs = call.args, call.kwargs
    try:
        result = call.function(*args, **kwargs)
    except BaseException as error:
        _failed(call, steps, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    if trouble is not None:  # not said when the call was wrong in itself
        report(f"{call.name}.before", trouble, silent=call.options.silent)
    _finished(call, steps, result)
    return result


def _begun(call: Call, hook: Hook) -> tuple[Generator[None, Any, None] | None, Exception | None]:
    try:
        if call.is_one_too_many():
            return None, LimitReached(
                f"{MOST_TRAININGS} trainings were logged to this run; more of them are not"
            )
        steps = hook(call)
        next(steps)
        probe(f"{call.name}.before")
    except StopIteration:  # the hook has nothing to log here
        return None, None
    except Exception as error:  # noqa: BLE001  the training must go on
        return None, error
    return steps, None


def _finished(call: Call, steps: Generator[None, Any, None] | None, result: Any) -> None:
    status = "KILLED"
    try:
        with contained(f"{call.name}.after", silent=call.options.silent):
            if steps is not None:
                with contextlib.suppress(StopIteration):
                    steps.send(result)
        status = "FINISHED"
    finally:
        _close(call, status)


def _failed(call: Call, steps: Generator[None, Any, None] | None, status: str) -> None:
    with contained(f"{call.name}.failed", silent=call.options.silent):
        if steps is not None:
            steps.close()
    _close(call, status)


def _close(call: Call, status: str) -> None:
    with contained(f"{call.name}.end", silent=call.options.silent):
        call.close(status)


class Patches:
    """What one autologger put into its library."""

    def __init__(self, library: str, options: Options) -> None:
        self.library, self.options = library, options
        self._places: list[_Place] = []
        self._lock = threading.RLock()

    def wrap(self, owner: Any, name: str, hook: Hook, *, within: Sequence[Hook] = ()) -> None:
        """See `Patcher`."""
        key = f"{self.library}:{owner.__module__ if isinstance(owner, type) else ''}:{owner.__name__}.{name}:{id(owner)}"
        label = f"{self.library}.{getattr(hook, '__name__', name)}"
        before = _own(owner, name)
        with self._lock:
            if any(p.owner() is owner and p.now is before for p in self._places):
                return
            _installed[key] = _Installed(label, hook, tuple(within), self.options)
            self._put(owner, name, before, _wrapped(before, key), key)

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """See `Patcher`."""
        with self._lock:
            self._put(owner, name, vars(owner).get(name, _ABSENT), value, None)

    def _put(self, owner: Any, name: str, before: Any, now: Any, key: str | None) -> None:
        setattr(owner, name, now)
        self._places.append(_Place(weakref.ref(owner), name, before, now, key))

    def places(self) -> list[tuple[Any, str, Any, Any]]:
        """Owner, attribute, what was there (None for nothing), what is there now."""
        found = [(p.owner(), p.name, p.before, p.now) for p in self._places]
        return [(o, n, None if b is _ABSENT else b, now) for o, n, b, now in found if o is not None]

    def undo(self) -> None:
        """Put back what was there. What somebody else put over ours stays, and ours below it does nothing any more."""
        with self._lock:
            for place in reversed(self._places):
                _installed.pop(place.key or "", None)
                owner = place.owner()
                if owner is None or vars(owner).get(place.name, _ABSENT) is not place.now:
                    continue
                if place.before is _ABSENT:
                    delattr(owner, place.name)
                else:
                    setattr(owner, place.name, place.before)
            self._places.clear()


def _own(owner: Any, name: str) -> Any:
    """What a module or class has by that name itself, as it stands there; not what it inherits."""
    if name not in vars(owner):
        raise AttributeError(f"{owner.__name__} has no {name!r} of its own")
    return vars(owner)[name]


def _wrapped(found: Any, key: str) -> Any:
    """The same kind of attribute, around a wrapper."""
    if isinstance(found, staticmethod | classmethod):
        return type(found)(wrapper_of(found.__func__, key))
    if isinstance(found, FunctionType) or not hasattr(found, "__get__"):
        return wrapper_of(found, key)
    if isinstance(getattr(found, "fn", None), FunctionType):  # scikit-learn's available_if
        again = copy.copy(found)
        again.fn = wrapper_of(found.fn, key)
        return again
    return wrapper_of(found, key)
