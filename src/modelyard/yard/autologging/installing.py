"""`autolog`: from now on trainings log themselves; or no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput
from modelyard.yard.autologging.importing import forget, when_imported
from modelyard.yard.autologging.interface import Autologger, Options
from modelyard.yard.autologging.trouble import report
from modelyard.yard.autologging.wrapping import Patches


@dataclass(frozen=True, slots=True)
class _Enabled:
    patches: Patches
    waits: tuple[Callable[[], None], ...]


_enabled: dict[str, _Enabled] = {}
_lock = threading.RLock()


def autolog(
    *libraries: str,
    log_models: bool = True,
    log_datasets: bool = True,
    log_signatures: bool = True,
    max_child_runs: int = 5,
    every: int = 1,
    register: str | None = None,
    tags: Mapping[str, str] | None = None,
    silent: bool = False,
    disable: bool = False,
) -> None:
    """Let trainings of these libraries, or of all that we know, log themselves to runs.

    Libraries may be imported before or after; nothing is imported here. A training within an active run is logged to that
    run, another begins one and ends it. What cannot be logged is one line on stderr; the training never learns of it.

    ``log_signatures``: a few rows of the training data go into the model's card, and with them its types.
    ``max_child_runs``: the best so many candidates of a search get a run of their own.
    ``every``: metrics of every so many iterations. ``register``: the name that models are registered by.
    ``disable``: put everything back as it was.
    """
    names = _checked(libraries)
    if max_child_runs < 0 or every < 1:
        raise InvalidInput("max_child_runs is 0 or more, and every 1 or more")
    own = tuple((str(k), str(v)) for k, v in (tags or {}).items())
    options = Options(
        log_models, log_datasets, log_signatures, max_child_runs, every, register, own, silent
    )
    with _lock:
        for name in names:
            _disable(name)
            if not disable:
                _enable(name, options)


def enabled() -> list[str]:
    """The libraries whose trainings log themselves."""
    return sorted(_enabled)


def places(library: str) -> list[tuple[Any, str, Any, Any]]:
    """What was put where: owner, attribute, what was there (None for nothing) and what is there now."""
    return _enabled[library].patches.places()


def _checked(libraries: tuple[str, ...]) -> list[str]:
    for name in libraries:
        plugins.load("autologgers", name)
    return list(libraries) or plugins.names("autologgers")


def _enable(name: str, options: Options) -> None:
    autologger: Autologger = plugins.load("autologgers", name)
    patches = Patches(name, options)
    then = partial(_install, autologger, patches)
    _enabled[name] = _Enabled(patches, (then,))
    for library in autologger.LIBRARIES:
        when_imported(library, then)


def _install(autologger: Any, patches: Patches) -> None:
    try:
        autologger.install(patches)
    except Exception as error:  # noqa: BLE001  a version of the library that we do not know
        patches.undo()
        report(f"{autologger.NAME}.install", error, silent=patches.options.silent)


def _disable(name: str) -> None:
    enabled = _enabled.pop(name, None)
    if enabled is not None:
        for then in enabled.waits:
            forget(then)
        enabled.patches.undo()
