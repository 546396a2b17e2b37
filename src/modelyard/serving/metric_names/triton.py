"""Triton's names. Its counters count microseconds; times are sums over requests."""

from __future__ import annotations

from modelyard.serving.metric_names.interface import Family

_MODEL = {"model": "{model}", "version": "{version}"}
_US = 1e6

FAMILIES = (
    Family("nv_inference_request_success", "modelyard_requests", "Requests answered.", _MODEL, "unknown", statuses="123"),
    Family("nv_inference_request_failure", "modelyard_requests", "Requests refused or failed.", _MODEL, "unknown", statuses="45"),
    Family("nv_inference_count", "modelyard_batch_rows", "Records answered.", _MODEL, "unknown", "_sum"),
    Family("nv_inference_exec_count", "modelyard_batch_rows", "Calls of the model.", _MODEL, "unknown", "_count"),
    Family("nv_inference_request_duration_us", "modelyard_request_duration_seconds", "From the parsed request to the answer.", _MODEL, "unknown", "_sum", _US),
    Family("nv_inference_queue_duration_us", "modelyard_wait_seconds", "Waiting for a worker.", _MODEL, "unknown", "_sum", _US),
    Family("nv_inference_compute_infer_duration_us", "modelyard_request_run_seconds", "In the call of the model.", _MODEL, "unknown", "_total", _US),
    Family("nv_inference_pending_request_count", "modelyard_waiting_rows", "Records that wait for a worker.", _MODEL, "gauge", ""),
)  # fmt: skip
