"""Names of other servers: the same figures for each, and what its dashboards read then."""

from __future__ import annotations

import importlib

import pytest
from prometheus_client.parser import text_string_to_metric_families

from modelyard.base import plugins
from modelyard.base.errors import InvalidSetting, NotFound
from modelyard.serving.metrics import Metrics, names_of

NAMES = ["bentoml", "kserve", "mlserver", "torchserve", "triton"]


def counted(*names: str) -> Metrics:
    """Four requests of six records in two calls, one of them refused."""
    metrics = Metrics()
    metrics.also(names)
    metrics.served("iris", "3", "sha256:0", "python", here=True)
    for status in (200, 200, 200, 422):
        metrics.answered("iris", "predict", status)
    for seconds in (0.1, 0.2, 0.3):
        metrics.took("iris", "predict", seconds)
    work, batch = metrics.work("iris"), metrics.batch("iris")
    for rows, waits, seconds in ((4, [0.05, 0.15], 0.2), (2, [0.05], 0.1)):
        batch(rows)
        work.done(waits, seconds)
    metrics.watch_waiting("iris", lambda: 7.0)
    metrics.watch_in_flight(lambda: 4.0)
    return metrics


def samples(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_all_are_tested() -> None:
    assert sorted(plugins.names("metric_names")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_dashboards_find_the_numbers_under_their_names(name: str) -> None:
    expected = importlib.import_module(f"cases.metric_names.{name}").EXPECTED
    found = samples(counted(name).text().decode())
    assert {key: pytest.approx(found.get(key)) for key in expected} == expected
    families = plugins.load("metric_names", name).FAMILIES
    assert {f.name for f in families} <= {
        key.partition("{")[0].removesuffix("_total").removesuffix("_count").removesuffix("_sum")
        for key in expected
    } | {key.partition("{")[0] for key in expected}


def test_our_own_names_stay_and_several_may_be_added() -> None:
    found = samples(counted("triton", "kserve").text().decode())
    assert found['modelyard_requests_total{method="predict",model="iris",status="200"}'] == 3
    assert found['modelyard_wait_seconds_sum{model="iris"}'] == pytest.approx(0.25)
    assert found['modelyard_run_seconds_count{model="iris"}'] == 2
    assert found['modelyard_request_run_seconds_total{model="iris"}'] == pytest.approx(0.5)
    info = 'modelyard_model_info{digest="sha256:0",engine="python",model="iris",version="3"}'
    assert found[info] == 1
    assert 'request_predict_seconds_count{model_name="iris"}' in found


def test_a_model_that_went_has_no_version_and_its_counts_stay() -> None:
    metrics = counted("triton")
    metrics.served("iris", "3", "sha256:0", "python", here=False)
    metrics.served("iris", "4", "sha256:1", "onnx", here=True)
    found = samples(metrics.text().decode())
    assert found['nv_inference_request_success{model="iris",version="4"}'] == 3


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="'tritn'") as refused:
        counted("tritn")
    assert refused.value.hint == "did you mean 'triton'?"
    with pytest.raises(
        InvalidSetting, match=r"metrics\.names: there are no names of 'tritn'"
    ) as wrong:
        names_of({"names": ["kserve", "tritn"]})
    assert wrong.value.hint == "did you mean 'triton'?"
    assert names_of({"names": "triton, kserve"}) == ["triton", "kserve"]
    assert names_of(None) == []
    with pytest.raises(InvalidSetting, match="metrics has no setting 'name'"):
        names_of({"name": "triton"})
