"""Flyte's wire formats, for arbitrary values."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adapters.flyte.audit_schemas import parse_run, parse_time
from adapters.flyte.body_readers import AuditBody
from adapters.flyte.http_client import FlyteHttpClient
from adapters.flyte.links import action_id_in, find_link, result_link
from adapters.flyte.schemas import command_from, event_json, pack_json
from adapters.serialization.event_payloads import event_name, event_payload
from application.ports.workflow import CommandDefinition, PackDefinition
from domain.commands import command_name
from domain.events import Event
from domain.json_values import Json
from entrypoints.testing.strategies import events, json_values, texts

BASE = URL("http://flyte:8080/v1/packs")
TAKE = URL("http://flyte:8080/v1/packs/My%20Slack.env.dev/actions/take")


@given(events, st.datetimes(timezones=st.just(UTC)))
def test_an_event_has_a_name_a_payload_and_a_time(event: Event, at: datetime) -> None:
    body = json.loads(event_json(event_name(event), event_payload(event), at))
    assert list(body) == ["event", "payload", "createdAt"]
    assert (body["event"], body["payload"]) == (event_name(event), event_payload(event))
    assert parse_time(body["createdAt"]) == (
        None if at.year == 1 else at.replace(microsecond=at.microsecond // 1000 * 1000)
    )
    assert len(body["createdAt"]) == len("2024-05-17T12:00:00.123Z")


@given(texts, st.dictionaries(texts, texts), st.lists(st.builds(CommandDefinition, texts, st.lists(texts).map(tuple))))
def test_a_registration_has_the_name_labels_commands_and_events(
    name: str, labels: dict[str, str], commands: list[CommandDefinition]
) -> None:
    events = tuple(event for command in commands for event in command.events)
    body = json.loads(pack_json(PackDefinition(name, labels, tuple(commands), events), "http://docs"))
    assert (body["name"], body["labels"]) == (name, labels)
    assert [(command["name"], tuple(command["events"])) for command in body["commands"]] == [
        (command.name, command.events) for command in commands
    ]
    assert [event["name"] for event in body["events"]] == list(events)


@given(json_values, json_values)
def test_any_name_and_input_become_a_command(name: Json, value: Json) -> None:
    assert command_name(command_from(name, value)) == (name if isinstance(name, str) else "")


@given(json_values)
def test_searching_any_response_for_links_never_raises(answer: Json) -> None:
    holders: list[Json] = [answer, {"links": answer}, {"links": [answer]}, {"links": [{"rel": answer, "href": answer}]}]
    for holder in holders:
        find_link(holder, "event", BASE)


@given(st.text())
def test_any_href_becomes_a_link_with_a_host_or_none(href: str) -> None:
    link = find_link({"links": [{"rel": "#/event", "href": href}]}, "event", BASE)
    assert link is None or (link.host and link.user is None)


@given(json_values)
def test_any_audit_is_read_or_left_incomplete(value: Json) -> None:
    page = AuditBody(lambda _action: None)
    page.feed(json.dumps({"flows": [value, {"actions": value}, {"actions": {"1": value}}]}).encode())
    assert (page.is_complete, page.runs) == (True, 3)
    page = AuditBody(lambda _action: None)
    page.feed(json.dumps([value]).encode())
    assert not page.is_complete


@given(json_values, json_values, json_values)
def test_any_action_in_an_audit_is_parsed_or_skipped(state: Json, trigger: Json, labels: Json) -> None:
    action: Json = {
        "id": "1",
        "name": "n",
        "packName": "p",
        "state": {"value": "NEW", "time": state},
        "trigger": {"event": "e", "pack": trigger, "createdAt": trigger, "payload": trigger},
        "packLabels": labels,
    }
    assert all(understood.id == "1" for understood in parse_run({"actions": {"1": action}}))


def test_the_first_link_with_the_suffix_is_found() -> None:
    answer: Json = {
        "links": [
            {"rel": "help", "href": "http://docs/takeAction"},
            {"rel": "http://flyte:8080/swagger#!/action/takeAction", "href": str(TAKE)},
            {"rel": "http://flyte:8080/swagger#!/action/takeAction", "href": "http://flyte:8080/other"},
        ]
    }
    assert find_link(answer, "takeAction", BASE) == TAKE


def test_a_result_link_is_derived_from_the_take_link_and_contains_the_id() -> None:
    link = result_link(TAKE, "5f3a")
    assert str(link) == "http://flyte:8080/v1/packs/My%20Slack.env.dev/actions/5f3a/result"
    assert link is not None
    assert action_id_in(link) == "5f3a"


@pytest.mark.parametrize("take", ["http://flyte/v1/packs/Slack/take", "http://flyte", "http://flyte/actions/take/"])
def test_no_result_link_is_derived_from_another_form_of_take_link(take: str) -> None:
    assert result_link(URL(take), "5f3a") is None


@pytest.mark.parametrize("action_id", ["", ".", "..", "a/b", "/"])
def test_no_result_link_is_derived_from_an_id_that_changes_the_path(action_id: str) -> None:
    assert result_link(TAKE, action_id) is None


@pytest.mark.parametrize("url", ["http://flyte", "http://flyte/x/y/z"])
def test_any_link_can_be_searched_for_an_id(url: str) -> None:
    assert action_id_in(URL(url)) in ("/", "", "y")


@pytest.mark.parametrize(
    ("base", "root"),
    [
        ("http://flyte:8080", "http://flyte:8080/v1"),
        ("http://flyte:8080/", "http://flyte:8080/v1"),
        ("http://flyte:8080/v1", "http://flyte:8080/v1"),
        ("http://flyte:8080//v1//", "http://flyte:8080/v1"),
        ("https://flyte/a/b", "https://flyte/a/b/v1"),
        ("https://flyte/a%2Fb/", "https://flyte/a%2Fb/v1"),
        ("https://user:pass@flyte/v1?x=1#y", "https://flyte/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_the_root_of_the_api_is_derived_from_any_base_url(base: str, root: str) -> None:
    assert str(FlyteHttpClient(base).root) == root
