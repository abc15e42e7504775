"""What the bot does in Slack is in the trace of the message, the click or the command that led to it."""

from typing import Any

import pytest

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.faults import Hang
from entrypoints.simulation.flyte.flow_loader import flow_from_text
from tests.simulation.web.conftest import PageClient

_FLOW = """
name: desk
steps:
- id: look
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'look' }}"
  command: {packName: Slack, name: GetUserInfo, input: {email: alice@example.com}}
- id: whisper
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'whisper' }}"
  command:
    packName: Slack
    name: SendEphemeral
    input: {channelId: "{{ Event.Payload.channelId }}", userId: "{{ Event.Payload.user.id }}", message: psst}
- id: nod
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'nod' }}"
  command:
    packName: Slack
    name: AddReaction
    input: {channelId: "{{ Event.Payload.channelId }}", timestamp: "{{ Event.Payload.timestamp }}", reaction: thumbsup}
- id: share
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'share' }}"
  command:
    packName: Slack
    name: UploadFile
    input: {channelId: "{{ Event.Payload.channelId }}", filename: plan.txt, content: careful, message: the plan}
- id: tell
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'tell' }}"
  command: {packName: Slack, name: Broadcast, input: {message: hear hear}}
- id: keyed
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'keyed' }}"
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: "{{ Event.Payload.channelId }}", messageKey: one, message: "as of {{ Event.Payload.timestamp }}"}
- id: remind
  event: {packName: Slack, name: ReceivedSlashCommand}
  criteria: "{{ Event.Payload.command == '/public' }}"
  command:
    packName: Slack
    name: Respond
    input: {responseUrl: "{{ Event.Payload.responseUrl }}", message: for all, responseType: in_channel}
- id: open
  event: {packName: Slack, name: ReceivedSlashCommand}
  criteria: "{{ Event.Payload.command == '/form' }}"
  command:
    packName: Slack
    name: OpenModal
    input:
      triggerId: "{{ Event.Payload.triggerId }}"
      view: {type: modal, title: {type: plain_text, text: Form}, blocks: []}
"""


@pytest.fixture(autouse=True)
def flow(sandbox: Sandbox) -> None:
    sandbox.flyte.add_flow(flow_from_text(_FLOW, "test", is_json=False))


def effects(trace: dict[str, Any]) -> list[tuple[str, object]]:
    """Returns what the bot did in Slack: the kind of each step, and its text or what else tells it."""
    return [(step["kind"], step[_TELLING[step["kind"]]]) for step in trace["steps"] if step["kind"] in _TELLING]


_TELLING = {
    "reply_posted": "text",
    "reply_rejected": "error",
    "file_shared": "text",
    "ephemeral_posted": "text",
    "message_updated": "text",
    "reaction_added": "reaction",
    "view_changed": "change",
    "call_rejected": "error",
}


def is_taken(trace: dict[str, Any]) -> bool:
    return any(step["kind"] == "action_taken" for step in trace["steps"])


async def completed(page: PageClient, key: str) -> dict[str, Any]:
    return await page.wait_for_trace(key, lambda trace: trace["completed_actions"])


async def run_command(page: PageClient, command: str) -> str:
    key = (await page.act("run-command", person="alice", channel="general", command=command))["key"]
    assert isinstance(key, str)
    return key


async def test_a_post_belongs_to_the_message_that_led_to_it_while_an_earlier_one_is_unanswered(
    page: PageClient, sandbox: Sandbox
) -> None:
    hanging = sandbox.workspace.slack.faults.plan("users.lookupByEmail", Hang())
    first = await page.say("look")
    await page.wait_for_trace(first, is_taken)

    second = await completed(page, await page.say("echo hi"))
    pending = await page.wait_for_trace(first, lambda _: True)
    sandbox.workspace.slack.faults.remove(hanging)

    assert [kind for kind, _ in effects(second)] == ["reply_posted"]
    assert [kind for kind, _ in effects(pending)] == ["call_rejected"]


async def test_overlapping_messages_with_the_same_answer_each_have_their_own(
    page: PageClient, sandbox: Sandbox
) -> None:
    sandbox.workspace.slack.conditions.latency_seconds = 0.1
    keys = [await page.say("echo twice") for _ in range(3)]

    answers = [
        [step["ts"] for step in (await completed(page, key))["steps"] if step["kind"] == "reply_posted"] for key in keys
    ]

    assert [len(posts) for posts in answers] == [1, 1, 1]
    assert answers == sorted(answers)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("whisper", ("ephemeral_posted", "psst")),
        ("nod", ("reaction_added", "thumbsup")),
        ("share", ("file_shared", "the plan")),
    ],
)
async def test_a_trace_has_what_the_bot_did(page: PageClient, text: str, shown: tuple[str, str]) -> None:
    trace = await completed(page, await page.say(text))

    assert effects(trace) == [shown]


async def test_a_broadcast_has_a_post_in_each_channel(page: PageClient) -> None:
    trace = await completed(page, await page.say("tell"))

    assert effects(trace) == [("reply_posted", "hear hear")] * 3
    assert len({step["channel"] for step in trace["steps"] if step["kind"] == "reply_posted"}) == 3


async def test_a_message_that_is_found_by_its_key_is_an_update(page: PageClient) -> None:
    first = await completed(page, await page.say("keyed"))
    second = await completed(page, await page.say("keyed"))

    assert [kind for kind, _ in effects(first)] == ["reply_posted"]
    assert [kind for kind, _ in effects(second)] == ["message_updated"]


@pytest.mark.parametrize(
    ("command", "shown"), [("/public", ("reply_posted", "for all")), ("/form", ("view_changed", "opened"))]
)
async def test_a_command_has_what_the_bot_did_for_it(page: PageClient, command: str, shown: tuple[str, str]) -> None:
    trace = await completed(page, await run_command(page, command))

    assert effects(trace) == [shown]


async def test_a_rejected_request_tells_why(page: PageClient, sandbox: Sandbox) -> None:
    sandbox.workspace.slack.access.scopes.discard("reactions:write")

    trace = await completed(page, await page.say("nod"))

    assert effects(trace) == [("call_rejected", "missing_scope")]
