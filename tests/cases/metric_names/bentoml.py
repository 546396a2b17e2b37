"""What bentoml's dashboards read of the figures that test_metric_names makes."""

from __future__ import annotations

_ENDPOINT = 'endpoint="/predict"'
_SERVICE = 'service_name="iris",service_version="3"'

EXPECTED = {
    f'bentoml_service_request_total{{{_ENDPOINT},http_response_code="200",{_SERVICE}}}': 3.0,
    f'bentoml_service_request_total{{{_ENDPOINT},http_response_code="422",{_SERVICE}}}': 1.0,
    f"bentoml_service_request_duration_seconds_count{{{_ENDPOINT},{_SERVICE}}}": 3.0,
    f"bentoml_service_adaptive_batch_size_sum{{{_SERVICE}}}": 6.0,
    "bentoml_service_request_in_progress": 4.0,
}
