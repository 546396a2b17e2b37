"""What clients ask about the server itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.transfers import direct
from modelyard.compat.mlflow_rest.wire import Call

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard


def info(yard: Yard, call: Call) -> dict[str, Any]:
    """What this server can and cannot do."""
    past_us = direct(yard) is not None
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": past_us,
        "multipart_downloads_enabled": past_us,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": False},
    }


ENDPOINTS = [Endpoint("GET", "/3.0/mlflow/server-info", "public", info)]
