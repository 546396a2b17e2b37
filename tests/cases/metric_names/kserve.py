"""What kserve's dashboards read of the figures that test_metric_names makes."""

from __future__ import annotations

EXPECTED = {
    'request_predict_seconds_count{model_name="iris"}': 3.0,
    'request_predict_seconds_sum{model_name="iris"}': 0.6,
    'request_predict_seconds_bucket{le="0.25",model_name="iris"}': 2.0,
    'request_predict_seconds_bucket{le="+Inf",model_name="iris"}': 3.0,
}
