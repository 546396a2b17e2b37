"""``modelyard doctor``: look for what could go wrong here."""

from __future__ import annotations

import click

from modelyard.cli.options import json_option
from modelyard.cli.output import emit


@click.command(name="doctor")
@json_option
def command(as_json: bool) -> int:
    """Look for what could go wrong here, and say how to mend it. Exit code 6 when something is wrong.

    \b
    Examples:
      modelyard doctor
    """
    from modelyard.yard.doctor import examine

    findings = examine()
    rows = [{"ok": f.ok, "what": f.what, "found": f.found, "hint": f.hint} for f in findings]
    marks = {True: "ok ", False: "BAD", None: "   "}
    width = max(len(f.what) for f in findings)
    emit(rows, as_json, lambda: "\n".join(
        f"{marks[f.ok]}  {f.what.ljust(width)}  {f.found}" + (f"\n     {' ' * width}  Hint: {f.hint}" if f.hint else "")
        for f in findings))  # fmt: skip
    return 6 if any(f.ok is False for f in findings) else 0
