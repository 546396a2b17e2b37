"""What triton's dashboards read of the figures that test_metric_names makes."""

from __future__ import annotations

EXPECTED = {
    'nv_inference_request_success{model="iris",version="3"}': 3.0,
    'nv_inference_request_failure{model="iris",version="3"}': 1.0,
    'nv_inference_count{model="iris",version="3"}': 6.0,
    'nv_inference_exec_count{model="iris",version="3"}': 2.0,
    'nv_inference_request_duration_us{model="iris",version="3"}': 600_000.0,
    'nv_inference_queue_duration_us{model="iris",version="3"}': 250_000.0,
    'nv_inference_compute_infer_duration_us{model="iris",version="3"}': 500_000.0,
    'nv_inference_pending_request_count{model="iris",version="3"}': 7.0,
}
