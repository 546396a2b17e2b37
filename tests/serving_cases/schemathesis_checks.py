"""A check for schemathesis: what fits the schema is taken, but for what no JSON Schema can say."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

load_all_checks()

UNSAID = (
    "an ISO 8601 date and time",
    "base64 text",
    "an image",
    "a finite value, got a missing or infinite one",
    "a text or whole number of at most 256 characters",  # and all of them can be seen
    "the columns differ",  # what looks like columns may be `split`, and the reverse
    "one a record",
    "values, as in",
)
"""In what a refusal says."""
PATHS = ("/invocations", "/infer")
"""Their bodies are typed as their protocols have them, not by the model."""
TYPED = ("application/json", "application/x-www-form-urlencoded", None)
"""Bodies whose schema says all of them. Of a csv, a file or Parquet it says that they are bytes."""


@schemathesis.check
def what_fits_is_taken(ctx: Any, response: Any, case: Any) -> bool | None:
    if case.path.endswith(PATHS) or case.media_type not in TYPED:
        return None
    if 400 <= response.status_code < 500 and any(reason in response.text for reason in UNSAID):
        return None
    return positive_data_acceptance(ctx, response, case)
