"""The steps of a pipeline, as shell that is the same in every CI system. What differs comes in variables:

``REF`` (``refs/tags/…``), then those that `CHECK` writes to the file ``model.env``: ``NAME``, ``VERSION``, ``STAGE``,
``EVENT``.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from modelyard import __version__


@dataclass(frozen=True, slots=True)
class Settings:
    """What whoever sets it up may choose."""

    python: str = "3.12"
    install: str = f"modelyard=={__version__}"
    """What pip is to install, as ``modelyard[sklearn]==0.1.0``."""
    deploy: str = ""
    """A command that deploys, with NAME, VERSION, STAGE and WHEEL in its environment."""


FETCH = 'git fetch --quiet --force --depth=1 origin "+refs/tags/*:refs/tags/*"'
"""A checkout makes the tag that it runs on lightweight, and leaves out the others: all as they are, with their commits."""

CHECK = """modelyard check-ref "$REF" --json > ref.json
python -c '
import json
ref = json.load(open("ref.json"))
for name, key in {"NAME": "artifact", "VERSION": "version", "STAGE": "stage", "EVENT": "event"}.items():
    print(name + "=" + ref.get(key, ""))
' > model.env
cat model.env
"""

NEEDS = """modelyard build "$NAME@$VERSION" requirements -o requirements.txt
python -m pip install --quiet -r requirements.txt
"""

TRY = """modelyard show "$NAME@$VERSION"
modelyard ci test "$NAME@$VERSION"
"""

BUILD = """modelyard build "$NAME@$VERSION" wheel -o dist
ls dist
"""

DEPLOY = """WHEEL="$(ls dist/*.whl)"
export WHEEL
"""

NO_DEPLOY = """echo "$NAME@$VERSION is in $STAGE: built, and not deployed. Put your command here, or run"
echo "modelyard ci init with --deploy"
"""


def install(settings: Settings) -> str:
    """What installs us; a requirement is one word of the shell."""
    return f"python -m pip install --quiet {shlex.quote(settings.install)}"


def deploy(settings: Settings) -> str:
    """What a promotion ends with."""
    return DEPLOY + (f"{settings.deploy}\n" if settings.deploy else NO_DEPLOY)
