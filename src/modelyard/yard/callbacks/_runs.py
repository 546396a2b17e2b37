"""Which run a callback writes to, and that nothing of it reaches the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.yard.autologging.trouble import contained

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun


class Borrowed:
    """The run that was given, else the active one, else one of its own."""

    def __init__(self, name: str, given: ActiveRun | None = None) -> None:
        self._name, self._given = name, given
        self._found: ActiveRun | None = None
        self._owned = False
        self._paused: str | None = None

    @property
    def run(self) -> ActiveRun:
        """The run; found or begun when it is first asked for."""
        if self._found is None:
            from modelyard.yard import fluent

            found = self._given or fluent.active_run()
            self._owned = found is None
            self._found = found or fluent.start_run(run_id=self._paused)
        return self._found

    def step(self, name: str) -> contained:
        """A block that fails alone."""
        return contained(f"{self._name}.{name}")

    def pause(self, status: str = "FINISHED") -> None:
        """A run of its own ends, and goes on if something more is told."""
        if self._owned and self._found is not None:
            self._paused = self._found.run_id
        self.end(status)

    def renew(self) -> None:
        """What comes now is another training."""
        self._paused = None

    def end(self, status: str = "FINISHED") -> None:
        """A run of its own ends. The next training has another one."""
        with self.step("end"):
            if self._owned and self._found is not None:
                self._found.end(status)
        self._found, self._owned = None, False
