"""KServe's names. There is no step before or after the model here, so only ``predict`` has numbers: waiting and the call."""

from __future__ import annotations

from modelyard.serving.metric_names.interface import Family

FAMILIES = (
    Family("request_predict_seconds", "modelyard_request_duration_seconds", "From the parsed request to the answer.", {"model_name": "{model}"}, "histogram"),
)  # fmt: skip
