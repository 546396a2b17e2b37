"""Statements of a search, within a limit of time that says what was slow.

SQLite is stopped by its progress handler and brings regular expressions along as a function; the servers stop by
themselves.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Row, Select
from sqlalchemy.exc import DBAPIError, StatementError

from modelyard.base import patterns
from modelyard.base.errors import InvalidInput, ModelyardError, Overloaded
from modelyard.base.matching import Matcher

SECONDS = 10.0
"""What one search may take."""
_STEPS = 20_000
"""Of SQLite's machine between two looks at the clock: about a millisecond."""
_STOPPED: frozenset[str | int] = frozenset(["SQLITE_INTERRUPT", "57014", 1969, 3024])
_BAD_EXPRESSION: frozenset[str | int] = frozenset(["2201B", 1139])
_MATCHERS = "modelyard_matchers"


class OverBudget(Exception):
    """A try took longer than it was given; there is another way."""


class Running:
    """The statements of one search on a connection, all together within the limit."""

    def __init__(self, connection: Connection, *, seconds: float = SECONDS, what: str = "") -> None:
        self.connection = connection
        self.dialect = connection.dialect.name
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._what = what
        self._try_end: float | None = None
        self._set_for: float | None = None

    def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        """All rows of a query. `Overloaded` when the time is up."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._slow()
        try:
            with self._limited(left):
                return self.connection.execute(query).all()
        except StatementError as error:
            raise self._named(error) from error

    @contextlib.contextmanager
    def trying(self, seconds: float) -> Iterator[None]:
        """A shorter limit for a way that may be a wrong one: `OverBudget`, and the connection goes on."""
        self._try_end = min(time.monotonic() + seconds, self._end)
        try:
            if self.dialect != "postgresql":
                yield
                return
            with self.connection.begin_nested():  # an error would end the whole transaction
                yield
        finally:
            self._try_end = None

    @property
    def _until(self) -> float:
        return self._end if self._try_end is None else self._try_end

    @contextlib.contextmanager
    def _limited(self, left: float) -> Iterator[None]:
        if self.dialect == "sqlite":
            yield from self._limited_here()
            return
        if self.dialect == "postgresql" and self._set_for == self._until:
            yield  # as before; a little too long at most by what the search took so far
            return
        for statement in self._limit(max(int(left * 1000), 1)):
            self.connection.exec_driver_sql(statement)
        self._set_for = self._until
        yield
        if self.dialect == "mysql":
            self.done()

    def done(self) -> None:
        """The connection has no limit any more."""
        if self.dialect != "sqlite" and self._set_for is not None:
            for statement in self._limit(0):
                self.connection.exec_driver_sql(statement)
        self._set_for = None

    def _limit(self, ms: int) -> list[str]:
        """PostgreSQL forgets it with the transaction, which an error ends; the others are told so."""
        if self.dialect == "postgresql":
            return [f"SET LOCAL statement_timeout = {ms}"]
        if getattr(self.connection.dialect, "is_mariadb", False):
            return [f"SET SESSION max_statement_time = {ms / 1000}"]
        return [f"SET SESSION max_execution_time = {ms}"]

    def _limited_here(self) -> Iterator[None]:
        raw = cast(sqlite3.Connection, self.connection.connection.driver_connection)
        matchers = self._matchers(raw)
        end = matchers.deadline = self._until
        raw.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)

    def _matchers(self, raw: sqlite3.Connection) -> _Matchers:
        kept = self.connection.info.get(_MATCHERS)
        if kept is None:
            kept = self.connection.info[_MATCHERS] = _Matchers()
            raw.create_function("my_matches", 3, kept, deterministic=True)
        return kept

    def _named(self, error: StatementError) -> Exception:
        if isinstance(error.orig, ModelyardError):
            return error.orig
        code = _code(error.orig)
        if self.dialect == "mysql" and isinstance(error, DBAPIError):
            for statement in self._limit(0):
                self.connection.exec_driver_sql(statement)
        ours = self.connection.info.get(_MATCHERS)
        if ours is not None and ours.failed is not None:
            failed, ours.failed = ours.failed, None
            return self._slow() if isinstance(failed, Overloaded) else failed
        if code in _STOPPED:
            return self._slow()
        if code in _BAD_EXPRESSION:
            return InvalidInput("the regular expression is too complex for this database")
        return error

    def _slow(self) -> Exception:
        if self._try_end is not None:
            return OverBudget()
        shown = f": {self._what[:200]}" if self._what else ""
        return Overloaded(
            f"the search took longer than {self._seconds:g} s and was stopped{shown}",
            hint="narrow it: name one experiment, compare a metric or param for equality, ask for fewer or newer runs,"
            " or leave out ~, LIKE '%…' and the order on another key",
            seconds=self._seconds,
        )


class _Matchers:
    """The function that SQLite calls for each text: how it is to be matched, the pattern, the text."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.failed: ModelyardError | None = None
        self._known: dict[tuple[str, str], Matcher] = {}

    def __call__(self, how: str, pattern: str, text: str | None) -> bool:
        if text is None:
            return False
        try:
            return self._matcher(how, pattern).search(text)
        except ModelyardError as error:
            self.failed = error
            raise

    def _matcher(self, how: str, pattern: str) -> Matcher:
        found = self._known.get((how, pattern))
        if found is None:
            if len(self._known) >= 20:
                self._known.clear()
            found = Matcher(tree(how, pattern))
            self._known[how, pattern] = found
        found.deadline = self.deadline
        return found


def tree(how: str, pattern: str) -> patterns.Node:
    """The tree of a pattern: ``~``, ``like`` or ``ilike``."""
    if how == "~":
        return patterns.parse(pattern)
    return patterns.of_like(pattern, ignore_case=how == "ilike")


def _code(error: BaseException | None) -> str | int:
    """Of MySQL its own number, which says more than the state beside it."""
    arguments = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], int):
        return arguments[0]
    return getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
