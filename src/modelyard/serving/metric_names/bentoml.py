"""BentoML's names. A service is a model here, and an endpoint one of its methods."""

from __future__ import annotations

from modelyard.serving.metric_names.interface import Family

_SERVICE = {"service_name": "{model}", "service_version": "{version}"}
_ENDPOINT = {"endpoint": "/{method}", **_SERVICE}

FAMILIES = (
    Family("bentoml_service_request", "modelyard_requests", "Requests answered.", {**_ENDPOINT, "http_response_code": "{status}"}),
    Family("bentoml_service_request_duration_seconds", "modelyard_request_duration_seconds", "From the parsed request to the answer.", _ENDPOINT, "histogram"),
    Family("bentoml_service_request_in_progress", "modelyard_in_flight", "Requests being read, waiting or being answered.", {}, "gauge", ""),
    Family("bentoml_service_adaptive_batch_size", "modelyard_batch_rows", "Records in one call of the model.", _SERVICE, "histogram"),
)  # fmt: skip
