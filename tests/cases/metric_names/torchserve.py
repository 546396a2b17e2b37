"""What torchserve's dashboards read of the figures that test_metric_names makes."""

from __future__ import annotations

_MODEL = '{model_name="iris",model_version="3"}'

EXPECTED = {
    f"ts_inference_requests_total{_MODEL}": 4.0,
    f"ts_inference_latency_microseconds{_MODEL}": 600_000.0,
    f"ts_queue_latency_microseconds{_MODEL}": 250_000.0,
}
