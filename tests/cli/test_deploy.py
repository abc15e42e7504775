import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from adapters.slack import events as slack_events
from entrypoints.config.settings import variables
from tests.support.pages import ROOT, code_spans, page, rows, section

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "flyte-slack"
KNOWN = {name for variable in variables() for name in variable.names}
SECRETS = {variable.name for variable in variables() if variable.is_secret}
USER = "10001"
"""Of the image; files and volumes have to belong to it."""
MANIFESTS = pytest.mark.parametrize("name", ["slack-app-socket-mode.yaml", "slack-app-http.yaml"])


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def scopes(manifest: Any) -> set[str]:
    return set(manifest["oauth_config"]["scopes"]["bot"])


def heard_events(manifest: Any) -> set[str]:
    return set(manifest["settings"]["event_subscriptions"]["bot_events"])


@MANIFESTS
def test_an_apps_manifest_subscribes_to_all_that_the_pack_hears(name: str) -> None:
    of_rtm_only = {"channel_joined", "group_joined"}
    kinds = {kind.split(".")[0] for kind in heard_events(read(name))}
    assert kinds == set(slack_events.EVENT_PARSERS) - of_rtm_only


@MANIFESTS
def test_an_apps_manifest_asks_for_the_history_of_every_place_it_hears_messages_of(name: str) -> None:
    places = {kind.split(".")[1] for kind in heard_events(read(name)) if kind.startswith("message.")}
    assert {f"{place}:history" for place in places} <= scopes(read(name))


def test_the_two_manifests_differ_in_the_way_of_hearing_only() -> None:
    socket_mode, http = read("slack-app-socket-mode.yaml"), read("slack-app-http.yaml")
    assert scopes(socket_mode) == scopes(http)
    assert heard_events(socket_mode) == heard_events(http)
    assert socket_mode["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["socket_mode_enabled"] is False
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://YOUR-HOST/slack/events"


def test_operators_read_what_each_scope_is_for() -> None:
    table = section(page("operators.md"), "### Scopes")
    told = {scope for cells in rows(table, "`.*") for scope in code_spans(cells[0])}
    assert told == scopes(read("slack-app-socket-mode.yaml"))


def test_compose_sets_variables_that_exist() -> None:
    assert set(read("compose.yaml")["services"]["slack"]["environment"]) <= KNOWN


def test_compose_mounts_every_secret_that_it_names() -> None:
    compose = read("compose.yaml")
    pack = compose["services"]["slack"]
    named = {path.rpartition("/")[2] for name, path in pack["environment"].items() if name.endswith("_FILE")}
    assert named == set(pack["secrets"]) == set(compose["secrets"])


def test_compose_keeps_the_state_where_the_image_has_it() -> None:
    [volume] = read("compose.yaml")["services"]["slack"]["volumes"]
    place = volume.partition(":")[2]
    image = (ROOT / "Dockerfile").read_text()
    assert f"VOLUME {place}\n" in image
    assert f"FLYTE_SLACK_BACKUP_DIR={place}\n" in image


@pytest.mark.parametrize("name", ["compose.yaml", "helm/flyte-slack/templates/deployment.yaml"])
def test_the_user_of_the_image_is_the_one_that_files_are_made_for(name: str) -> None:
    assert f"USER {USER}\n" in (ROOT / "Dockerfile").read_text()
    assert USER in (DEPLOY / name).read_text()


def test_the_systemd_unit_sets_variables_that_exist_and_hands_on_every_credential() -> None:
    unit = (DEPLOY / "flyte-slack.service").read_text()
    names = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    assert set(names) <= KNOWN
    credentials = re.findall(r"^LoadCredential=([\w-]+):", unit, re.MULTILINE)
    assert credentials == [value.removeprefix("%d/") for name, value in names.items() if name.endswith("_FILE")]


def test_the_charts_templates_set_variables_that_exist() -> None:
    template = (CHART / "templates" / "deployment.yaml").read_text()
    assert set(re.findall(r"- name: ([A-Z_]+)\n", template)) <= KNOWN


def test_the_chart_reads_every_secret_as_a_file_and_none_as_a_plain_setting() -> None:
    properties = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(properties["secretKeys"]["items"]["enum"]) == SECRETS
    assert set(properties["settings"]["propertyNames"]["not"]["enum"]) >= SECRETS


def test_the_charts_values_are_those_of_its_schema() -> None:
    values = read("helm/flyte-slack/values.yaml")
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    assert set(values) == set(schema) - {"global"}
    for name in ("image", "persistence", "service"):
        assert set(values[name]) == set(schema[name]["properties"])


def test_the_charts_templates_use_values_that_exist() -> None:
    values = read("helm/flyte-slack/values.yaml")
    text = "\n".join(path.read_text() for path in (CHART / "templates").iterdir())
    for path in set(re.findall(r"\.Values\.([\w.]+)", text)):
        found: Any = values
        for name in path.split("."):
            assert name in found, path
            found = found[name]


def test_the_charts_version_of_the_pack_is_the_packs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert read("helm/flyte-slack/Chart.yaml")["appVersion"] == project["version"]
