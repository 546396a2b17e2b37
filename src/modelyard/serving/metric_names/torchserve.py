"""TorchServe's names. Its counters count microseconds."""

from __future__ import annotations

from modelyard.serving.metric_names.interface import Family

_MODEL = {"model_name": "{model}", "model_version": "{version}"}
_US = 1e6

FAMILIES = (
    Family("ts_inference_requests", "modelyard_requests", "Requests answered.", _MODEL),
    Family("ts_inference_latency_microseconds", "modelyard_request_duration_seconds", "From the parsed request to the answer.", _MODEL, "unknown", "_sum", _US),
    Family("ts_queue_latency_microseconds", "modelyard_wait_seconds", "Waiting for a worker.", _MODEL, "unknown", "_sum", _US),
)  # fmt: skip
