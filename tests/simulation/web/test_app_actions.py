"""People use the app on the page."""

import base64
from typing import Any, cast

import pytest

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.simulation.web.conftest import PageClient

_FORM = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": name,
            "label": {"type": "plain_text", "text": name},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
        for name in ("first", "second")
    ],
}
_FLOW = {
    "name": "form",
    "steps": [
        {
            "event": {"packName": "Slack", "name": "ReceivedSlashCommand"},
            "criteria": "{{ Event.Payload.command == '/form' }}",
            "command": {
                "packName": "Slack",
                "name": "OpenModal",
                "input": {"triggerId": "{{ Event.Payload.triggerId }}", "view": _FORM},
            },
        }
    ],
}
_BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}


@pytest.fixture
async def alice(page: PageClient) -> str:
    people = await page.wait_for_key("people")
    return str(next(person["id"] for person in people if person["handle"] == "alice"))


def payloads(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", event.payload) for event in sandbox.flyte.events if event.name == name]


async def is_completed(page: PageClient, key: str) -> dict[str, Any]:
    return await page.wait_for_trace(key, lambda trace: trace["completed_actions"])


async def test_a_command_has_a_line_and_a_trace_in_its_conversation(page: PageClient, sandbox: Sandbox) -> None:
    sandbox.flyte.add_flow(flow_from_values(_FLOW, "form"))
    result = await page.act("run-command", person="alice", channel="general", command="/form", text="now")
    trace = await is_completed(page, result["key"])

    line = await page.wait_for_key(f"message/{result['key']}")
    assert (line["name"], line["text"], line["is_activity"]) == ("Alice", "runs `/form now`", True)
    assert [step["kind"] for step in trace["steps"]][:4] == ["done", "received", "persisted", "acknowledged"]
    assert trace["steps"][-1]["event"] == "ModalOpened"


async def test_the_commands_in_the_criteria_of_flows_are_offered(page: PageClient, sandbox: Sandbox) -> None:
    sandbox.flyte.add_flow(flow_from_values(_FLOW, "form"))
    await page.say("hello")

    state = await page.wait_for(lambda state: (state.get("app") or {}).get("commands"))

    assert state["app"]["commands"] == ["/form"]


async def test_a_form_takes_values_by_block_and_says_what_is_missing(
    page: PageClient, sandbox: Sandbox, alice: str
) -> None:
    sandbox.flyte.add_flow(flow_from_values(_FLOW, "form"))
    await page.act("run-command", person="alice", channel="general", command="/form")
    modal = await page.wait_for_key(f"modal/{alice}")
    common = {"person": "alice", "channel": "ops", "view": modal["view"]["id"]}
    first = {"block": "first", "element": "text", "choice": "one"}

    refused = await page.act("submit-view", **common, values=[first])
    submitted = await page.act("submit-view", **common, values=[first, first | {"block": "second", "choice": "two"}])

    assert refused == {"errors": {"second": "Please complete this required field."}}
    line = await page.wait_for_key(f"message/{submitted['key']}")
    assert line["text"] == "submits “Form”"
    states = [payload["state"] for payload in payloads(sandbox, "ReceivedViewSubmission")]
    assert states == [{"first": {"text": "one"}, "second": {"text": "two"}}]


async def test_a_click_is_named_by_its_block_and_its_element(page: PageClient, sandbox: Sandbox) -> None:
    channel = sandbox.workspace.conversation("#general", "alice").id
    blocks = [{"type": "actions", "block_id": block_id, "elements": [_BUTTON]} for block_id in ("one", "two")]
    sandbox.flyte.queue_action("Slack", "SendRichMessage", {"channel": channel, "text": "?", "blocks": blocks})
    state = await page.wait_for(lambda state: any(one.get("blocks") for one in messages(state)))
    key = next(key for key, value in state.items() if key.startswith("message/") and value and value.get("blocks"))
    _, channel, ts = key.split("/")

    clicked = await page.act(
        "use-element", person="alice", channel=channel, ts=ts, block="two", element="go", choice=None
    )

    await page.wait_for_trace(clicked["key"], lambda trace: trace["stage"] == "delivered")
    [payload] = payloads(sandbox, "ReceivedBlockAction")
    assert payload["blockId"] == "two"


def messages(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for key, value in state.items() if key.startswith("message/") and value]


async def test_a_reaction_has_a_line_and_a_trace(page: PageClient, sandbox: Sandbox) -> None:
    channel, ts = (await page.say("hello")).split("/")
    await page.act("react", channel=channel, ts=ts, person="bob", emoji="eyes")

    state = await page.wait_for(lambda state: any(one.get("is_activity") for one in messages(state)))

    key = next(key for key, value in state.items() if value and isinstance(value, dict) and value.get("is_activity"))
    assert state[key]["text"] == "reacts with :eyes:"
    trace = await page.wait_for_trace(key.removeprefix("message/"), lambda trace: trace["stage"] == "delivered")
    assert "delivered" in [step["kind"] for step in trace["steps"]]
    assert [event.name for event in sandbox.flyte.events] == ["ReceivedMessage", "ReactionAdded"]


async def test_an_uploaded_file_is_listed_with_its_message(page: PageClient) -> None:
    content = base64.b64encode(b"hello").decode()
    await page.act("upload", person="alice", channel="general", name="a.txt", content=content, text="look", thread="")

    state = await page.wait_for(lambda state: any(one.get("files") for one in messages(state)))

    [message] = [one for one in messages(state) if one.get("files")]
    assert (message["body"], message["files"][0]["name"], message["files"][0]["size"]) == ("look", "a.txt", 5)


async def test_an_interaction_without_a_connection_says_so(page: PageClient) -> None:
    await page.act("set-fault", fault="slack-drop", on=True)

    result = await page.act("use-shortcut", person="alice", channel="general", callback="start")

    assert result["failure"] == "no connection"
    trace = await page.wait_for_key(f"trace/{result['key']}")
    assert trace["stage"] == "unanswered"


@pytest.mark.parametrize(
    ("action", "arguments", "error"),
    [
        ("use-shortcut", {}, "callback is missing"),
        ("use-element", {"ts": "1.0", "block": "b", "element": "e", "choice": {}}, "choice must be a text"),
        ("use-element", {"ts": "1.0", "block": "b", "element": "e", "choice": "x"}, "there is no message 1.0"),
        ("submit-view", {"view": "V404", "values": []}, "there is no view"),
        ("submit-view", {"view": "V404", "values": "x"}, "values must be a list of objects"),
        ("close-view", {"view": "V404", "cleared": "x"}, "cleared must be true or false"),
        ("run-command", {"command": "x" * 81}, "command is longer than 80 characters"),
        ("upload", {"name": "a", "content": "&"}, "content is not in base64"),
    ],
)
async def test_an_invalid_use_of_the_app_is_rejected_with_a_reason(
    page: PageClient, action: str, arguments: dict[str, object], error: str
) -> None:
    result = await page.act(action, person="alice", channel="general", **arguments)

    assert error in result["error"]
