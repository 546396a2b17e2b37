"""The set-ups of `examples/hub` as files: what they promise about secrets, rights, health and ends holds, and the chart is
rendered by Helm and judged by Kubernetes' own schemas."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from arch.source import ROOT
from hub_cases.server import until

HUB = ROOT / "examples/hub"
COMPOSE, CHART = HUB / "compose", HUB / "helm/modelyard-hub"
UNIT = HUB / "systemd/modelyard-hub.service"
KUBERNETES = ("1.28.0", "1.37.0")
"""The oldest that the chart names, and the newest of the schemas."""


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return plain((COMPOSE / "compose.yaml").read_text("utf-8"))


def pinned(image: str) -> bool:
    """Whether an image is named by a version of three numbers or a release, or by its digest."""
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@sha256:" in image or bool(re.match(r"(\d+\.\d+|RELEASE\.|\$\{MODELYARD_VERSION)", tag))


def test_every_container_is_pinned_watched_and_has_few_rights(compose: dict[str, Any]) -> None:
    once = {"bucket", "bucket-owner"}
    for name, service in compose["services"].items():
        assert pinned(service["image"]), name
        assert "latest" not in service["image"], name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name
        check = service["healthcheck"]
        assert check.get("disable") if name in once else check["test"][0] == "CMD", name
        if name != "bucket-owner":  # which gives a volume to who works on it, and has no network
            assert not service["user"].startswith(("0", "root")), name
            assert service["security_opt"] == ["no-new-privileges:true"], name
    assert compose["services"]["bucket-owner"]["network_mode"] == "none"
    assert [n for n, s in compose["services"].items() if "ports" in s] == ["proxy"]
    assert compose["networks"]["inside"]["internal"] is True


def test_two_hubs_are_the_same_and_have_time_to_finish(compose: dict[str, Any]) -> None:
    hub = compose["services"]["hub-a"]
    assert hub == compose["services"]["hub-b"]
    drain = next(w.partition("=")[2] for w in hub["command"] if w.startswith("--drain-seconds"))
    assert int(hub["stop_grace_period"].rstrip("s")) > int(drain)
    assert "volumes" not in hub, "a hub keeps nothing"


def test_secrets_are_files_and_stand_nowhere_else(compose: dict[str, Any]) -> None:
    declared = compose["secrets"]
    used = {name for service in compose["services"].values() for name in service.get("secrets", ())}
    assert used == set(declared)
    assert all(secret["file"].startswith("./secrets/") for secret in declared.values())
    words = re.compile(r"password|secret|token|credential|_key", re.IGNORECASE)
    for service in compose["services"].values():
        for key, value in service.get("environment", {}).items():
            assert not words.search(key) or str(value).startswith("/run/secrets/"), key
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), key
    example = (COMPOSE / ".env.example").read_text("utf-8")
    assert not any(words.search(line.partition("=")[0]) for line in _settings(example))
    variables = set(re.findall(r"\$\{([A-Z_]+)", (COMPOSE / "compose.yaml").read_text("utf-8")))
    assert variables == {line.partition("=")[0] for line in _settings(example)}
    ignored = (COMPOSE / "secrets/.gitignore").read_text("utf-8").split()
    assert ignored == ["*", "!.gitignore"]


def _settings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "make-secrets", tmp_path)
    made = tmp_path / "secrets"
    first: dict[str, bytes] = {}
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets", "hub.example"], check=True, capture_output=True)
        password = (made / "postgres_password").read_text()
        assert len(password) == 48
        assert (made / "yard_uri").read_text() == f"postgresql://yard:{password}@postgres/yard"
        found = {path.name: path.read_bytes() for path in made.iterdir()}
        assert set(found) == {
            "yard_uri", "aws_credentials", "postgres_password", "s3_password", "tls.crt", "tls.key",
        }  # fmt: skip
        assert made.stat().st_mode & 0o777 == 0o700
        first = first or found
        assert found == first


def test_the_image_is_pinned_runs_as_nobody_and_is_watched() -> None:
    text = (COMPOSE / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    words = {line.split()[0]: line.partition(" ")[2].strip() for line in lines}
    base = next(line for line in lines if line.startswith("ARG BASE"))
    assert pinned(base.partition("=")[2])
    assert words["USER"] == "10001:10001"
    assert lines.index(f"USER {words['USER']}") > max(
        n for n, line in enumerate(lines) if line.startswith(("RUN", "COPY"))
    )
    assert json.loads(words["ENTRYPOINT"]) == ["modelyard"]
    assert json.loads(words["CMD"])[0] == "hub"
    check = words["HEALTHCHECK"].partition(" CMD ")[2]
    assert json.loads(check)[:2] == ["python", "-c"]
    compile(json.loads(check)[2], "HEALTHCHECK", "exec")


class Helm:
    """The chart as Helm renders it."""

    def __init__(self) -> None:
        from helm_python import Chart

        self._chart = Chart.load(str(CHART))

    def render(self, **values: Any) -> dict[str, dict[str, Any]]:
        """Kind -> the manifest of that kind."""
        self._chart.validate_schema(values)
        rendered = self._chart.render(values, name="team", namespace="ml")
        texts = [text for path, text in rendered.items() if path.endswith(".yaml")]
        found = [plain(text) for text in texts if text.strip()]
        assert len({each["kind"] for each in found}) == len(found)
        return {each["kind"]: each for each in found}


@pytest.fixture(scope="module")
def helm() -> Helm:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("Helm as a library is there for Linux on x86-64 only")
    return Helm()


VALUES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "scaled, with all that is optional": {
        "autoscaling": {"enabled": True},
        "image": {"repository": "registry.example/hub", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "registry"}],
        "artifacts": {"uri": "s3://b/yard", "secret": "", "endpoint": "http://s3:9000"},
        "networkPolicy": {"from": [{"namespaceSelector": {}}], "to": [{"podSelector": {}}]},
        "serviceAccount": {"annotations": {"role": "reader"}},
        "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
        "podAnnotations": {"a": "b"},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "ml", "operator": "Exists"}],
    },
    "one alone, without an ingress": {
        "replicas": 1,
        "ingress": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
}


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_kubernetes_takes_what_the_chart_makes(
    helm: Helm, values: dict[str, Any], kubernetes: str
) -> None:
    import kubernetes_validate

    for manifest in helm.render(**values).values():
        kubernetes_validate.validate(manifest, kubernetes, strict=True)


def test_the_schemas_refuse_what_kubernetes_would(helm: Helm) -> None:
    import kubernetes_validate

    deployment = helm.render()["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[1], strict=True)


def test_the_chart_has_nothing_that_helm_finds_wrong(helm: Helm) -> None:
    from helm_python.chart import lint

    told = lint(str(CHART), {}, strict=True)
    assert told["errors"] == []
    assert {m["error"] for m in told["messages"] if m["severity"] > 1} == set()


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_pods_are_restricted_replaced_gently_and_end_in_time(
    helm: Helm, values: dict[str, Any]
) -> None:
    made = helm.render(**values)
    spec = made["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    (hub,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert hub["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    drain = int(next(w.partition("=")[2] for w in hub["args"] if w.startswith("--drain-seconds")))
    wait = int(hub["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > drain + wait
    assert hub["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert hub["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pinned(hub["image"])
    assert {"limits", "requests"} <= set(hub["resources"])
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"]["matchLabels"], made["Service"]["spec"]["selector"]):
        assert selector.items() <= labels.items()


def test_what_the_chart_makes_for_two_or_more(helm: Helm) -> None:
    usual, scaled, alone = (helm.render(**values) for values in VALUES.values())
    assert usual["Deployment"]["spec"]["replicas"] == 2
    assert "PodDisruptionBudget" in usual
    assert "replicas" not in scaled["Deployment"]["spec"], "or each upgrade would undo the scaling"
    assert "HorizontalPodAutoscaler" in scaled
    assert set(alone) == {"ConfigMap", "Deployment", "Service", "ServiceAccount"}
    (entry,) = usual["Ingress"]["spec"]["tls"]
    assert entry["secretName"] == "modelyard-hub-tls"


def test_the_chart_refers_to_secrets_and_holds_none(helm: Helm) -> None:
    for values in VALUES.values():
        made = helm.render(**values)
        assert "Secret" not in made
        data = made["ConfigMap"]["data"]
        for key, value in data.items():
            assert not re.search(r"://[^/]*@", value), key
        assert data["MODELYARD_URI_FILE"].startswith("/run/secrets/")
    from helm_python import HelmError

    for wrong in (
        {"database": {"secret": "s", "key": "uri", "uri": "postgresql://ana:secret@db/yard"}},
        {"artifacts": {"uri": "s3://key:secret@bucket"}},
        {"image": {"repository": "hub", "tag": "latest"}},
        {"ingress": {"enabled": True, "tlsSecret": ""}},
    ):
        with pytest.raises(HelmError):
            helm.render(**wrong)


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_may_write_its_own_folder_and_no_more() -> None:
    told = directives()
    wanted = {
        "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "ProtectHome": "yes",
        "CapabilityBoundingSet": "", "StateDirectory": "modelyard-hub", "PrivateDevices": "yes",
        "SystemCallArchitectures": "native", "KillSignal": "SIGTERM", "UMask": "0077",
    }  # fmt: skip
    assert {key: told[key] for key in wanted} == {key: [value] for key, value in wanted.items()}
    words = shlex.split(told["ExecStart"][0])
    drain = int(words[words.index("--drain-seconds") + 1])
    assert int(told["TimeoutStopSec"][0]) > drain


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd's own judge")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8").replace("/opt/modelyard/bin/modelyard", "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_unit_starts_is_a_hub_that_ends_in_order(tmp_path: Path) -> None:
    """Its words and environment, with a folder of the test in place of the unit's own."""
    told = directives()
    here = str(tmp_path)
    place = lambda text: text.replace("/var/lib/modelyard-hub", here)  # noqa: E731
    environment = dict(place(line).split("=", 1) for line in told["Environment"])
    words = [word for word in shlex.split(told["ExecStart"][0]) if not word.startswith("$")]
    words[words.index("--port") + 1] = "0"
    assert words[0] == "/opt/modelyard/bin/modelyard"
    with subprocess.Popen(
        [sys.executable, "-m", "modelyard", *words[1:]],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Hub on http://127.0.0.1:")
        until(lambda: (tmp_path / "yard.db").exists())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
