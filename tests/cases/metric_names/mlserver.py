"""What mlserver's dashboards read of the figures that test_metric_names makes."""

from __future__ import annotations

EXPECTED = {
    'model_infer_request_success_total{model="iris",version="3"}': 3.0,
    'model_infer_request_failure_total{model="iris",version="3"}': 1.0,
    'model_infer_request_duration_count{model="iris",version="3"}': 3.0,
    'model_infer_request_duration_sum{model="iris",version="3"}': 0.6,
    "rest_server_requests_in_progress": 4.0,
}
