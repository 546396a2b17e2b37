"""Find out what an object needs, by walking it as it lives in this process.

The walk follows what a pickle of the object would carry. Objects lead to their classes and to what they hold. A class
or function that can be imported leads to its module: an installed distribution is noted with its exact version and
not entered, a local module is noted and read for its imports. What cannot be imported (anything of the script or
notebook itself, lambdas, closures) travels by value: its code is read for the global names and imports that it uses,
and only those are followed. So a function in a training script needs what it calls, not what the script imports.

Annotations that are text, and those of imported modules, do not count. Evaluated annotations of what travels by value
do: the pickle holds them, and loading it imports their classes.

Limits: the walk stops after `MAX_OBJECTS` objects and says so in a note; long lists are sampled (`contents`); state
inside compiled objects, and names that code makes up at run time (``importlib.import_module(name)``), are not seen.
What is missed can be given: ``requirements=``, ``modules=``.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections import deque
from collections.abc import Iterable, Mapping
from operator import attrgetter
from types import CellType, FunctionType, ModuleType
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.environments.captured import Captured
from modelyard.environments.contents import ATOMS, contents
from modelyard.environments.interface import LocalModule
from modelyard.environments.origins import Origin, origin, parents, stored_as
from modelyard.environments.system import system_packages
from modelyard.environments.uses import Import, Uses, uses_of_code, uses_of_source

MAX_OBJECTS = 50_000

_NOT_CODE = frozenset(
    ["__dict__", "__weakref__", "__annotations__", "__doc__", "__module__", "_abc_impl"]
)
_THEIRS = frozenset(["package", "ignored"])
"""Code that is not read: somebody else answers for what it needs."""


def capture(obj: Any, *, roots: Iterable[Any] = (), extra_modules: Iterable[str] = ()) -> Captured:
    """The packages, system packages and local modules that an object needs.

    ``roots`` are further objects that belong to it (a sample of its input, its steps); a list of objects may be given
    as ``obj`` too. ``extra_modules`` are import names of what is needed besides: ``skops``. Raises `InvalidInput` for
    an extra module that is not here.

    >>> from fractions import Fraction
    >>> capture(lambda x: Fraction(x)).packages
    {}
    """
    walk = _Walk()
    for name in extra_modules:
        walk.ask_for(name)
    walk.follow([obj, *roots])
    return walk.result()


class _Walk:
    def __init__(self) -> None:
        self.waiting: deque[tuple[Any, str]] = deque()
        self.unread: deque[Origin] = deque()
        self.seen: dict[int, Any] = {}  # keeps what it has seen, so that no id comes twice
        self.origins: dict[str, Origin] = {}
        self.known_modules: set[str] = set()
        self.entered: set[tuple[str, frozenset[str]]] = set()
        self.packages: dict[str, str] = {}
        self.modules: set[LocalModule] = set()
        self.reasons: dict[str, str] = {}
        self.notes: list[str] = []

    def result(self) -> Captured:
        packages = dict(sorted(self.packages.items()))
        return Captured(
            packages=packages,
            system=system_packages(packages),
            modules=tuple(sorted(self.modules)),
            reasons=dict(sorted(self.reasons.items())),
            notes=tuple(self.notes),
        )

    def ask_for(self, name: str) -> None:
        found = self.origin(name)
        if found.kind == "unknown":
            raise InvalidInput(
                f"no module named {name!r} here", hint="install it, or give its full import name"
            )
        self.need(found, "asked for")

    # Objects ---------------------------------------------------------------------------------------------------------

    def follow(self, roots: Iterable[Any]) -> None:
        self.push(roots, "")
        while self.waiting or self.unread:
            while self.unread:
                self.read(self.unread.popleft())
            if len(self.seen) > MAX_OBJECTS:
                limit = f"the first {MAX_OBJECTS:,} objects of the model"
                self.notes.append(f"requirements were looked for in {limit} only")
                return
            if self.waiting:
                self.visit(*self.waiting.popleft())

    def push(self, values: Iterable[Any], holder: str) -> None:
        for value in values:
            if type(value) not in ATOMS and id(value) not in self.seen:
                self.seen[id(value)] = value
                self.waiting.append((value, holder))

    def visit(self, value: Any, holder: str) -> None:
        if isinstance(value, type):
            self.visit_class(value, holder)
        elif isinstance(value, FunctionType):
            self.visit_function(value, holder)
        elif isinstance(value, ModuleType):
            self.visit_module(value, frozenset(), holder)
        else:
            self.visit_instance(value, holder)

    def visit_instance(self, value: Any, holder: str) -> None:
        cls = type(value)
        self.push([cls], holder)
        theirs = self.origin(cls.__module__).kind == "ignored"
        self.push(contents(value), holder if theirs else _label(cls))
        if callable(value):  # compiled functions say where they come from
            name = getattr(value, "__module__", None)
            if isinstance(name, str) and name != cls.__module__:
                self.need(self.origin(name), name, holder)

    def visit_class(self, cls: type, holder: str) -> None:
        found, importable = self.origin(cls.__module__), _is_importable(cls)
        if found.kind == "ignored" and importable:
            return
        label = _label(cls)
        if importable or found.kind == "package":
            self.need(found, label, holder)
        self.push([type(cls), *cls.__bases__], label)
        if importable and found.kind in _THEIRS:
            return
        self.push((v for key, v in vars(cls).items() if key not in _NOT_CODE), label)
        if not importable:
            self.push(_annotations(vars(cls)), label)

    def visit_function(self, function: FunctionType, holder: str) -> None:
        found, importable = self.origin(function.__module__), _is_importable(function)
        label = _label(function)
        if importable:
            self.need(found, label, holder)
            self.tell_unknown(found, label)
        else:
            self.push(_function_annotations(function), label)
        self.push(_carried(function), label)
        # A decorator's wrapper says it comes from where the decorated function does; its code's home is elsewhere.
        namespace = function.__globals__
        home = self.origin(namespace.get("__name__"))
        if home.kind == "package":
            self.need(home, label, holder)
        if home.kind not in _THEIRS:
            self.use(uses_of_code(function.__code__), namespace, label, running=True)

    # Names and imports -----------------------------------------------------------------------------------------------

    def use(self, uses: Uses, namespace: Mapping[str, Any], holder: str, *, running: bool) -> None:
        """Follow what code uses. ``running``: a function's body, which goes on to use what it imports."""
        package = _package_of(namespace)
        for name in sorted(uses.names & namespace.keys()):
            self.follow_name(namespace[name], uses.attributes, holder)
        for statement in uses.imports:
            name = statement.absolute(package)
            self.execute(statement, name, holder)
            if running:
                self.bind(statement, name, uses.attributes, holder)

    def execute(self, statement: Import, name: str, holder: str) -> None:
        """What an import statement itself needs: the module, and submodules among the names."""
        found = self.origin(name)
        self.need(found, name, holder)
        if found.kind in ("local", "namespace"):
            for child in statement.names:
                self.need(self.origin(f"{name}.{child}"), f"{name}.{child}", holder)

    def bind(self, statement: Import, name: str, attributes: frozenset[str], holder: str) -> None:
        """What the names stand for, where the module has been imported already."""
        if not statement.names:
            top = sys.modules.get(name.partition(".")[0])
            self.follow_name(top, attributes, holder)
        elif (module := sys.modules.get(name)) is not None:
            for child in statement.names:
                self.follow_name(vars(module).get(child), attributes, holder)

    def follow_name(self, value: Any, attributes: frozenset[str], holder: str) -> None:
        if isinstance(value, ModuleType):
            self.visit_module(value, attributes, holder)
        else:
            self.push([value], holder)

    # Modules ---------------------------------------------------------------------------------------------------------

    def visit_module(self, module: ModuleType, attributes: frozenset[str], holder: str) -> None:
        """A module, and of a local one those of its attributes that the code may mean: ``features.clean(x)``."""
        found = self.origin(module.__name__)
        self.need(found, module.__name__, holder)
        self.tell_unknown(found, holder)
        key = (module.__name__, attributes)
        if found.kind in ("local", "namespace") and key not in self.entered:
            self.entered.add(key)
            for name in sorted(attributes & vars(module).keys()):
                self.follow_name(vars(module)[name], attributes, holder)

    def origin(self, name: Any) -> Origin:
        """As `origins.origin`, remembered; what names no module is ``unknown``."""
        key = name if isinstance(name, str) else ""
        if key not in self.origins:
            self.origins[key] = origin(key) if key else Origin("", "unknown")
        return self.origins[key]

    def need(self, found: Origin, what: str, holder: str = "") -> None:
        reason = f"{what}, in {holder}" if holder else what
        if found.kind == "package" and found.distribution:
            self.packages[found.distribution.name] = found.distribution.version
            self.reasons.setdefault(found.distribution.name, reason)
        elif found.kind == "local":
            stored = stored_as(found)
            self.modules.add(stored)
            self.reasons.setdefault(stored.name, reason)
            for name in parents(found.name):
                if name not in self.known_modules:
                    self.known_modules.add(name)
                    self.unread.append(self.origin(name))

    def tell_unknown(self, found: Origin, user: str) -> None:
        if found.kind == "unknown" and found.name not in self.known_modules:
            self.known_modules.add(found.name)
            who = user or "the object"
            self.notes.append(f"{who} uses the module {found.name!r}, which has no file to store")

    def read(self, found: Origin) -> None:
        """Follow what importing a local module executes. One not imported yet is read with all its functions' bodies:
        which of them are used cannot be seen."""
        if found.kind != "local" or found.file is None or found.file.suffix != ".py":
            return
        try:
            with tokenize.open(found.file) as source:
                tree = ast.parse(source.read())
        except (SyntaxError, UnicodeDecodeError) as error:
            self.notes.append(f"{found.file} cannot be read, so its imports are unknown: {error}")
            return
        live = sys.modules.get(found.name)
        package = found.name if found.is_package else found.name.rpartition(".")[0]
        namespace = {"__package__": package} if live is None else vars(live)
        uses = uses_of_source(tree, bodies=live is None)
        self.use(uses, namespace, found.name, running=False)


def _label(named: Any) -> str:
    return f"{named.__module__}.{named.__qualname__}"


def _is_importable(named: Any) -> bool:
    """Whether a class or function is found where it says it is; else a pickle holds it by value."""
    if named.__module__ in ("__main__", "__mp_main__") or named.__module__ not in sys.modules:
        return False
    try:
        return attrgetter(named.__qualname__)(sys.modules[named.__module__]) is named
    except AttributeError:
        return False


def _carried(function: FunctionType) -> list[Any]:
    """Defaults, closed-over values, and attributes such as ``__wrapped__``."""
    cells = function.__closure__ or ()
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return [*defaults, *(v for cell in cells for v in _held(cell)), *vars(function).values()]


def _held(cell: CellType) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # a name that was never bound
        return []


def _function_annotations(function: FunctionType) -> list[Any]:
    try:
        return list(function.__annotations__.values())
    except (
        NameError
    ):  # evaluated on demand since 3.14, and this one names what only type checkers import
        return []


def _annotations(namespace: Mapping[str, Any]) -> list[Any]:
    found = namespace.get("__annotations__")
    return list(found.values()) if isinstance(found, dict) else []


def _package_of(namespace: Mapping[str, Any]) -> str:
    """The package that relative imports start from."""
    package = namespace.get("__package__")
    return package if isinstance(package, str) else ""
