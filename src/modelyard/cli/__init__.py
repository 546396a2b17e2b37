"""The command line: words become calls of the same functions that Python users call, results become text or JSON.

A command is a file ``commands/<command>.py`` (or ``commands/<group>/<command>.py``) with a click command named ``command``;
it is imported when it is run. `catalog.py` holds the one-line help of each, so that ``modelyard --help`` imports none.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of ``modelyard`` and ``my``."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # no need for click, nor for anything else
        from modelyard import __version__

        print(f"modelyard {__version__}")  # noqa: T201
        return
    try:
        from modelyard.cli.program import run

        _speak_utf8()
        code = run()
    except KeyboardInterrupt:  # while we were still importing
        code = 130
    sys.exit(code)


def _speak_utf8() -> None:
    """Into pipes and files we write UTF-8, whatever the machine's own encoding; a terminal has its own."""
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)  # a test's stream has none
        if change is not None:
            encoding = None if stream.isatty() else "utf-8"
            change(encoding=encoding, errors="backslashreplace")
