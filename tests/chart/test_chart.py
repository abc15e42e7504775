"""What the chart makes of its values."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import helm_python
import pytest
import yaml

from tests.support.pages import ROOT

CHART = ROOT / "deploy" / "helm" / "flyte-slack"
NAMESPACE = "flyte"
HTTP_MODE = {"secretKeys": ["FLYTE_SLACK_TOKEN", "FLYTE_SLACK_SIGNING_SECRET"]}
INGRESS = {**HTTP_MODE, "ingress": {"enabled": True, "host": "bot.example.com", "tlsSecretName": "bot-tls"}}
DATABASE = {"storage": {"secretName": "database"}}
LOCKED_DOWN = {"networkPolicy": {"enabled": True}}


def objects(manifests: dict[str, str]) -> dict[str, Any]:
    """The objects of rendered templates, by kind."""
    texts = [text for path, text in manifests.items() if path.endswith(".yaml")]
    found = [document for text in texts for document in yaml.safe_load_all(text) if document]
    return {document["kind"]: document for document in found}


def render(**values: Any) -> dict[str, Any]:
    chart = helm_python.Chart.load(CHART)
    rendered = chart.render({"flyteApi": "http://flyte:8080", **values}, name="slack", namespace=NAMESPACE)
    return objects(rendered)


def pod(rendered: dict[str, Any]) -> Any:
    return rendered["Deployment"]["spec"]["template"]


def variables(**settings: Any) -> dict[str, str]:
    [container] = pod(render(settings=settings))["spec"]["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"]}


def egress_ports(**values: Any) -> set[int]:
    rules = render(**LOCKED_DOWN, **values)["NetworkPolicy"]["spec"]["egress"]
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_the_chart_passes_helms_linter() -> None:
    report = helm_python.lint(CHART, {"flyteApi": "http://flyte:8080"}, strict=True)

    assert report["errors"] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_000_000, "1000000"), (604800, "604800"), (0.5, "0.5"), (True, "true"), ("1e+06", "1e+06"), ("a, b", "a, b")],
)
def test_a_setting_reaches_the_pack_as_it_was_written(value: object, text: str) -> None:
    assert variables(FLYTE_SLACK_JOURNAL_LIMIT=value)["FLYTE_SLACK_JOURNAL_LIMIT"] == text


def test_a_digest_takes_the_place_of_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    [container] = pod(render(image={"tag": "1.0", "digest": digest}))["spec"]["containers"]

    assert container["image"] == f"flyte-slack@{digest}"


def test_the_pods_have_an_account_of_their_own_without_a_token() -> None:
    rendered = render()

    assert rendered["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod(rendered)["spec"]["serviceAccountName"] == rendered["ServiceAccount"]["metadata"]["name"]
    assert pod(rendered)["spec"]["automountServiceAccountToken"] is False


def test_an_account_that_exists_can_be_used_instead() -> None:
    rendered = render(serviceAccount={"create": False, "name": "slack"})

    assert "ServiceAccount" not in rendered
    assert pod(rendered)["spec"]["serviceAccountName"] == "slack"


def test_every_pack_has_a_limit_of_memory() -> None:
    [container] = pod(render())["spec"]["containers"]

    assert container["resources"]["limits"]["memory"] == "512Mi"


def test_only_requests_from_slack_pass_the_ingress() -> None:
    ingress = render(**INGRESS)["Ingress"]["spec"]
    [rule] = ingress["rules"]
    [path] = rule["http"]["paths"]

    assert (rule["host"], path["path"], path["pathType"]) == ("bot.example.com", "/slack/events", "Exact")
    assert path["backend"]["service"] == {"name": "slack-flyte-slack", "port": {"name": "http"}}
    assert ingress["tls"] == [{"secretName": "bot-tls", "hosts": ["bot.example.com"]}]


def test_no_ingress_is_made_for_a_pack_that_receives_no_requests() -> None:
    with pytest.raises(helm_python.HelmError, match="only a pack in HTTP mode"):
        render(ingress={"enabled": True, "host": "bot.example.com"})


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://flyte:8080", 8080), ("http://flyte", 80), ("https://flyte", 443), ("http://[::1]:81", 81)],
)
def test_a_network_policy_lets_the_pods_reach_dns_slack_and_flyte_only(url: str, port: int) -> None:
    assert egress_ports(flyteApi=url) == {53, 443, port}


def test_a_network_policy_lets_the_pods_reach_the_database() -> None:
    assert egress_ports(**DATABASE) == {53, 443, 8080, 5432}


def test_a_network_policy_limits_who_reaches_the_http_port() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    policy = render(networkPolicy={"enabled": True, "ingressFrom": peers})["NetworkPolicy"]["spec"]

    assert policy["ingress"] == [{"ports": [{"port": "http"}], "from": peers}]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"replicas": 2}, "2 replicas can't share a volume"),
        ({**DATABASE, "replicas": 5}, "5 replicas and 1 more during an update .* too many for Socket Mode"),
        ({**DATABASE, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}, "could replace no replica"),
        ({"flyteApi": ""}, "give the base URL of your Flyte"),
    ],
)
def test_values_that_can_not_work_are_refused_with_the_reason(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(helm_python.HelmError, match=reason):
        render(**values)


def test_replicas_on_a_database_have_no_volume_and_are_replaced_one_after_the_other() -> None:
    rendered = render(**DATABASE, replicas=3)

    assert "PersistentVolumeClaim" not in rendered
    assert rendered["Deployment"]["spec"]["strategy"]["type"] == "RollingUpdate"
    assert rendered["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_nothing_is_made_that_was_not_asked_for() -> None:
    assert set(render()) == {"Deployment", "PersistentVolumeClaim", "Service", "ServiceAccount"}


class Cluster(BaseHTTPRequestHandler):
    """The part of Kubernetes' API that finds Secrets."""

    versions: dict[str, str]
    """The versions of the Secrets, by name."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        resource = {"name": "secrets", "singularName": "", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
        known: dict[str, object] = {
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [resource]},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
            "/version": {"major": "1", "minor": "31", "gitVersion": "v1.31.0"},
        }
        for name, version in self.versions.items():
            metadata = {"name": name, "namespace": NAMESPACE, "uid": "1", "resourceVersion": version}
            data = {"FLYTE_SLACK_TOKEN": "eG94Yi0x"}
            known[f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"] = {
                "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data,
            }  # fmt: skip
        missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(known.get(path, missing)).encode()
        self.send_response(200 if path in known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def cluster() -> Iterator[str]:
    """The URL of a cluster."""
    Cluster.versions = {"flyte-slack": "1", "database": "1", "other": "1"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    thread = threading.Thread(target=server.serve_forever, name="cluster")
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def annotations(cluster: str, **values: Any) -> dict[str, str]:
    """The annotations of the pods in a cluster."""
    chart = helm_python.Chart.load(CHART)
    config = helm_python.Config(kube_apiserver=cluster, namespace=NAMESPACE)
    rendered = config.render(chart, {"flyteApi": "http://flyte:8080", **values}, name="slack", namespace=NAMESPACE)
    found: dict[str, str] = pod(objects(rendered))["metadata"].get("annotations", {})
    return found


@pytest.mark.parametrize("name", ["flyte-slack", "database"])
def test_an_upgrade_restarts_the_pods_after_a_change_of_a_secret(cluster: str, name: str) -> None:
    before = annotations(cluster, **DATABASE)
    unchanged = annotations(cluster, **DATABASE)
    Cluster.versions[name] = "2"
    after = annotations(cluster, **DATABASE)

    assert before == unchanged
    assert set(before) == set(after) == {"checksum/secrets"}
    assert before != after


def test_a_change_of_another_secret_restarts_nothing(cluster: str) -> None:
    before = annotations(cluster)
    Cluster.versions["other"] = Cluster.versions["database"] = "2"

    assert annotations(cluster) == before


def test_the_restart_can_be_switched_off(cluster: str) -> None:
    assert annotations(cluster, restartOnSecretChange=False, podAnnotations={"a": "b"}) == {"a": "b"}


def test_a_secret_that_does_not_exist_yet_prevents_nothing(cluster: str) -> None:
    Cluster.versions = {}

    assert annotations(cluster) == {}


def test_the_objects_of_the_prometheus_operator_render() -> None:
    labels = {"release": "prometheus"}
    rendered = render(
        serviceMonitor={"enabled": True, "labels": labels}, prometheusRule={"enabled": True, "labels": labels}
    )

    assert rendered["ServiceMonitor"]["metadata"]["labels"].items() >= labels.items()
    assert rendered["PrometheusRule"]["spec"] == yaml.safe_load(
        (ROOT / "deploy" / "prometheus" / "rules.yaml").read_text()
    )
    assert (
        rendered["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
        <= rendered["Service"]["metadata"]["labels"].items()
    )


def test_prometheus_is_asked_for_nothing_by_default() -> None:
    assert not {"ServiceMonitor", "PrometheusRule"} & set(render())


def test_a_service_monitor_selects_the_service_and_scrapes_its_metrics() -> None:
    labels = {"release": "kube-prometheus-stack"}
    rendered = render(serviceMonitor={"enabled": True, "labels": labels})
    monitor, service = rendered["ServiceMonitor"], rendered["Service"]

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    [endpoint], [port] = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert endpoint == {"port": port["name"], "path": "/metrics", "interval": "30s"}
    assert labels.items() <= monitor["metadata"]["labels"].items()


def test_a_prometheus_rule_holds_all_alerts_unchanged() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yaml").read_text())
    assert render(prometheusRule={"enabled": True})["PrometheusRule"]["spec"] == rules
