"""MLflow's own scoring client, in a process that does not see modelyard: ``python scoring_client.py PORT`` prints what it got."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient


def main(port: str) -> None:
    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready(timeout=60)
    frame = pd.DataFrame({"age": [30, 60], "income": [41.5, 12.25], "debt": [2.0, np.nan]})
    got: dict[str, Any] = {"version": client.get_version()}
    got["frame"] = client.invoke(frame.head(1)).get_predictions().to_dict("list")
    got["array"] = client.invoke(frame.head(1).to_numpy()).get("predictions")
    got["params"] = client.invoke(frame.head(1), params={"method": "predict_proba"}).get(
        "predictions"
    )
    try:
        client.invoke(frame.drop(columns="age"))
    except Exception as error:
        got["refused"] = str(error)
    print("GOT", json.dumps(got))


if __name__ == "__main__":
    main(sys.argv[1])
