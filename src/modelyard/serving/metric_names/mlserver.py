"""MLServer's names."""

from __future__ import annotations

from modelyard.serving.metric_names.interface import Family

_MODEL = {"model": "{model}", "version": "{version}"}

FAMILIES = (
    Family("model_infer_request_success", "modelyard_requests", "Requests answered.", _MODEL, statuses="123"),
    Family("model_infer_request_failure", "modelyard_requests", "Requests refused or failed.", _MODEL, statuses="45"),
    Family("model_infer_request_duration", "modelyard_request_duration_seconds", "From the parsed request to the answer, in seconds.", _MODEL, "summary"),
    Family("rest_server_requests_in_progress", "modelyard_in_flight", "Requests being read, waiting or being answered.", {}, "gauge", ""),
)  # fmt: skip
