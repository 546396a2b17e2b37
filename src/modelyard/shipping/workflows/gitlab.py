"""GitLab CI/CD."""

from __future__ import annotations

from typing import Any

from modelyard.shipping.workflows import steps
from modelyard.shipping.workflows.steps import Settings

FILE = ".gitlab-ci.yml"
HINT = "-o .gitlab/modelyard.yml writes another file, to be named under include: in this one; --force writes this one anew"

_TAGS = "$CI_COMMIT_TAG =~ /@v[0-9]|#[A-Za-z]/"
_ONLY_MADE = """case "$EVENT" in
  registration|assignment) ;;
  *) echo "nothing to do for $EVENT"; exit 0 ;;
esac
"""


def workflow(settings: Settings) -> dict[str, Any]:
    """The pipeline as data. A job knows what the one before found out from its dotenv report."""
    image = f"python:{settings.python}"
    rules = [{"if": _TAGS}]
    ready = [steps.FETCH, steps.install(settings)]
    return {
        "stages": ["check", "model", "deploy"],
        "check-ref": {
            "stage": "check",
            "image": image,
            "rules": rules,
            "variables": {"GIT_DEPTH": "1", "REF": "refs/tags/$CI_COMMIT_TAG"},
            "script": [*ready, steps.CHECK],
            "artifacts": {"reports": {"dotenv": "model.env"}},
        },
        "model": {
            "stage": "model",
            "image": image,
            "rules": rules,
            "needs": [{"job": "check-ref", "artifacts": True}],
            "variables": {"GIT_DEPTH": "1"},
            "script": [_ONLY_MADE, *ready, steps.NEEDS, steps.TRY, steps.BUILD],
            "artifacts": {"paths": ["dist/"]},
        },
        "deploy": {
            "stage": "deploy",
            "image": image,
            "rules": [{"if": "$CI_COMMIT_TAG =~ /#[A-Za-z]/ && $CI_COMMIT_TAG !~ /!/"}],
            "needs": [
                {"job": "check-ref", "artifacts": True},
                {"job": "model", "artifacts": True},
            ],
            "script": [steps.deploy(settings)],
        },
    }
