import json
import re
from importlib.metadata import version
from typing import Any

import pytest
import yaml

from adapters.slack import events as slack_events
from adapters.slack.sockets.handshake import MAX_CONNECTIONS
from entrypoints.config.settings import variables
from tests.support.pages import ROOT, code_spans, page, rows, section

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "flyte-slack"
KNOWN = {name for variable in variables() for name in variable.names}
SECRETS = {variable.name for variable in variables() if variable.is_secret}
USER = "10001"
"""The image's user, who must own files and volumes."""
MANIFESTS = pytest.mark.parametrize("name", ["slack-app-socket-mode.yaml", "slack-app-http.yaml"])

COMPOSE_FILES = pytest.mark.parametrize("name", ["compose.yaml", "compose-replicas.yaml"])


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def packs(compose: Any) -> dict[str, Any]:
    """The services that run the pack's image."""
    return {name: service for name, service in compose["services"].items() if service["image"] == "flyte-slack:latest"}


def scopes(manifest: Any) -> set[str]:
    return set(manifest["oauth_config"]["scopes"]["bot"])


def subscribed_events(manifest: Any) -> set[str]:
    return set(manifest["settings"]["event_subscriptions"]["bot_events"])


@MANIFESTS
def test_a_manifest_subscribes_to_every_event_that_the_pack_handles(name: str) -> None:
    rtm_only = {"channel_joined", "group_joined"}
    kinds = {kind.split(".")[0] for kind in subscribed_events(read(name))}
    assert kinds >= set(slack_events.EVENT_PARSERS) - rtm_only
    assert kinds - set(slack_events.EVENT_PARSERS) <= {"app_home_opened"}


@MANIFESTS
def test_a_manifest_switches_on_what_every_feature_needs(name: str) -> None:
    manifest = read(name)
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert {shortcut["type"] for shortcut in manifest["features"]["shortcuts"]} == {"global", "message"}
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == ["/flyte"]


def test_slack_gets_one_url_for_everything_in_http_mode() -> None:
    manifest = read("slack-app-http.yaml")
    settings, [command] = manifest["settings"], manifest["features"]["slash_commands"]
    assert {
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
        command["url"],
    } == {"https://YOUR-HOST/slack/events"}


@MANIFESTS
def test_a_manifest_requests_the_history_scope_of_every_channel_type_with_messages(name: str) -> None:
    types = {kind.split(".")[1] for kind in subscribed_events(read(name)) if kind.startswith("message.")}
    assert {f"{type_}:history" for type_ in types} <= scopes(read(name))


def test_the_two_manifests_differ_in_the_transport_only() -> None:
    socket_mode, http = read("slack-app-socket-mode.yaml"), read("slack-app-http.yaml")
    assert scopes(socket_mode) == scopes(http)
    assert subscribed_events(socket_mode) == subscribed_events(http)
    assert socket_mode["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["socket_mode_enabled"] is False


def test_the_operators_guide_explains_every_scope_of_the_manifest() -> None:
    table = section(page("set-up.md"), "### Scopes")
    explained = {scope for cells in rows(table, "`.*") for scope in code_spans(cells[0])}
    assert explained == scopes(read("slack-app-socket-mode.yaml"))


@COMPOSE_FILES
def test_compose_sets_variables_that_exist(name: str) -> None:
    for pack in packs(read(name)).values():
        assert set(pack["environment"]) <= KNOWN


@COMPOSE_FILES
def test_compose_mounts_every_secret_that_a_variable_names(name: str) -> None:
    compose = read(name)
    for service in compose["services"].values():
        variables = service.get("environment", {})
        named = {path.rpartition("/")[2] for variable, path in variables.items() if variable.endswith("_FILE")}
        assert named <= set(service.get("secrets", []))
    mounted = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert mounted == set(compose["secrets"])


@COMPOSE_FILES
def test_compose_has_all_secrets_in_files(name: str) -> None:
    compose = read(name)
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    for pack in packs(compose).values():
        assert not SECRETS & set(pack["environment"])


@COMPOSE_FILES
def test_compose_keeps_data_in_named_volumes_only(name: str) -> None:
    compose = read(name)
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    named = {mount.partition(":")[0] for mount in mounts if not mount.endswith(":ro")}
    assert named == set(compose["volumes"])


@COMPOSE_FILES
def test_compose_limits_the_memory_and_the_log_of_every_service(name: str) -> None:
    for service in read(name)["services"].values():
        assert service["mem_limit"]
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@COMPOSE_FILES
def test_compose_gives_packs_no_privileges_and_nowhere_to_write_but_their_volume(name: str) -> None:
    for pack in packs(read(name)).values():
        assert pack["read_only"] is True
        assert pack["cap_drop"] == ["ALL"]
        assert pack["security_opt"] == ["no-new-privileges:true"]
        assert pack["ulimits"] == {"nofile": 4096}


@COMPOSE_FILES
def test_every_image_of_compose_can_be_pinned_by_a_variable(name: str) -> None:
    compose = read(name)
    build_argument = packs(compose)["slack"]["build"]["args"]["PYTHON_IMAGE"]
    foreign = [service["image"] for service in compose["services"].values() if "build" not in service]
    variables = re.findall(r"\$\{(\w+):-", " ".join([build_argument, *foreign]))

    assert len(variables) == len(foreign) + 1
    assert all(variable in (DEPLOY / name).read_text().partition("\nname:")[0] for variable in variables)
    assert (
        f"ARG PYTHON_IMAGE={build_argument.partition(':-')[2].removesuffix('}')}\n" in (ROOT / "Dockerfile").read_text()
    )


def test_compose_starts_replicas_once_the_database_is_healthy_and_has_its_tables() -> None:
    services = read("compose-replicas.yaml")["services"]
    assert services["slack"]["deploy"]["replicas"] == 2
    assert services["slack"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "volumes" not in services["slack"]


def test_compose_makes_the_roles_with_files_that_exist() -> None:
    mounts = read("compose-replicas.yaml")["services"]["postgres"]["volumes"]
    files = {mount.split(":")[0]: mount.split(":")[1] for mount in mounts if mount.startswith("./")}
    assert [(DEPLOY / file).is_file() for file in files] == [True, True]
    assert f"--file={files['./postgresql/roles.sql']}\n" in (DEPLOY / "postgresql" / "roles.sh").read_text()


def test_compose_mounts_the_state_volume_of_the_image() -> None:
    [volume] = read("compose.yaml")["services"]["slack"]["volumes"]
    path = volume.partition(":")[2]
    image = (ROOT / "Dockerfile").read_text()
    assert f"VOLUME {path}\n" in image
    assert f"FLYTE_SLACK_BACKUP_DIR={path}\n" in image


@pytest.mark.parametrize(
    "name", ["compose.yaml", "compose-replicas.yaml", "helm/flyte-slack/templates/deployment.yaml"]
)
def test_files_belong_to_the_user_of_the_image(name: str) -> None:
    assert f"USER {USER}\n" in (ROOT / "Dockerfile").read_text()
    assert USER in (DEPLOY / name).read_text()


def test_the_systemd_unit_sets_variables_that_exist_and_passes_every_credential() -> None:
    unit = (DEPLOY / "flyte-slack.service").read_text()
    names = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    assert set(names) <= KNOWN
    credentials = re.findall(r"^LoadCredential=([\w-]+):", unit, re.MULTILINE)
    assert credentials == [value.removeprefix("%d/") for name, value in names.items() if name.endswith("_FILE")]


def test_the_systemd_unit_limits_memory_open_files_and_the_log() -> None:
    unit = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "flyte-slack.service").read_text(), re.MULTILINE))

    assert {"MemoryMax", "LimitNOFILE", "LogRateLimitIntervalSec", "LogRateLimitBurst"} <= set(unit)
    assert int(unit["LimitNOFILE"]) >= 4096


def test_the_systemd_unit_lets_the_metrics_of_the_process_be_read() -> None:
    hides_proc_stat = "ProcSubset=pid"
    assert hides_proc_stat not in (DEPLOY / "flyte-slack.service").read_text().splitlines()


def test_the_charts_templates_set_variables_that_exist() -> None:
    template = (CHART / "templates" / "deployment.yaml").read_text()
    assert set(re.findall(r"- name: ([A-Z_]+)\n", template)) <= KNOWN


def test_the_chart_passes_secrets_as_files_only() -> None:
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
    from_storage = {"FLYTE_SLACK_STORAGE"}
    assert set(properties["secretKeys"]["items"]["enum"]) == SECRETS - from_storage
    assert read("helm/flyte-slack/values.yaml")["storage"]["secretKey"] in from_storage
    assert set(properties["settings"]["propertyNames"]["not"]["enum"]) >= SECRETS


def test_the_charts_values_match_its_schema() -> None:
    values = read("helm/flyte-slack/values.yaml")
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(values) == set(schema) - {"global"}
    for name, part in schema.items():
        if "properties" in part:
            assert set(values[name]) == set(part["properties"])


def test_the_chart_runs_one_replica_with_a_volume_unless_told_otherwise() -> None:
    values = read("helm/flyte-slack/values.yaml")
    assert values["replicas"] == 1
    assert values["storage"]["secretName"] == ""


def test_the_charts_replicas_and_those_of_an_update_stay_within_slacks_ten_sockets() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    [most] = re.findall(r"gt \(add \$replicas \$update\.maxSurge\) (\d+)", helpers)
    assert 2 * int(most) == MAX_CONNECTIONS


def test_every_block_in_the_charts_templates_is_closed() -> None:
    for path in (CHART / "templates").iterdir():
        words = re.findall(r"{{-? (if|with|range|define|end)\b", path.read_text())
        assert words.count("end") == len(words) / 2, path.name


def test_the_charts_templates_use_values_that_exist() -> None:
    values = read("helm/flyte-slack/values.yaml")
    text = "\n".join(path.read_text() for path in (CHART / "templates").iterdir())
    for path in set(re.findall(r"\.Values\.([\w.]+)", text)):
        found: Any = values
        for name in path.split("."):
            assert name in found, path
            found = found[name]


def test_the_charts_app_version_is_the_version_of_the_pack() -> None:
    assert read("helm/flyte-slack/Chart.yaml")["appVersion"] == version("flyte-slack")
