"""GitHub Actions."""

from __future__ import annotations

from typing import Any

from modelyard.shipping.workflows import steps
from modelyard.shipping.workflows.steps import Settings

FILE = ".github/workflows/modelyard.yml"
HINT = "--force writes it anew, -o PATH another one"

_KNOWN = {name: f"${{{{ steps.ref.outputs.{name} }}}}" for name in ("NAME", "VERSION", "STAGE", "EVENT")}  # fmt: skip
_MADE = 'contains(fromJSON(\'["registration", "assignment"]\'), steps.ref.outputs.EVENT)'


def workflow(settings: Settings) -> dict[str, Any]:
    """The workflow as data."""
    model = {name: f"${{{{ needs.model.outputs.{name} }}}}" for name in _KNOWN}
    return {
        "name": "models",
        "on": {"push": {"tags": ["**@v*", "**#*"]}},
        "permissions": {"contents": "read"},
        "concurrency": {"group": "models-${{ github.ref }}"},
        "jobs": {
            "model": {
                "runs-on": "ubuntu-latest",
                "outputs": dict(_KNOWN),
                "env": {
                    "REF": "${{ github.ref }}",
                    "MODELYARD_TRUST": "${{ vars.MODELYARD_TRUST }}",
                },
                "steps": _steps(settings),
            },
            "deploy": {
                "needs": "model",
                "if": "needs.model.outputs.EVENT == 'assignment'",
                "runs-on": "ubuntu-latest",
                "environment": "${{ needs.model.outputs.STAGE }}",
                "env": model,
                "steps": [
                    _uses("actions/checkout@v4"),
                    _uses("actions/download-artifact@v4", name="model", path="dist"),
                    {"name": "Deploy", "run": steps.deploy(settings)},
                ],
            },
        },
    }


def _steps(settings: Settings) -> list[dict[str, Any]]:
    return [
        _uses("actions/checkout@v4"),
        {"name": "Fetch the tags as they are", "run": steps.FETCH},
        _uses("actions/setup-python@v5", **{"python-version": settings.python}),
        {"name": "Install modelyard", "run": steps.install(settings)},
        {
            "name": "Check the tag",
            "id": "ref",
            "run": steps.CHECK + 'cat model.env >> "$GITHUB_OUTPUT"\n',
        },
        {"name": "Install what the model needs", "if": _MADE, "env": _KNOWN, "run": steps.NEEDS},
        {"name": "Load it and try it on its sample", "if": _MADE, "env": _KNOWN, "run": steps.TRY},
        {"name": "Build it", "if": _MADE, "env": _KNOWN, "run": steps.BUILD},
        {**_uses("actions/upload-artifact@v4", name="model", path="dist"), "if": _MADE},
    ]


def _uses(action: str, **options: str) -> dict[str, Any]:
    return {"uses": action, **({"with": options} if options else {})}
