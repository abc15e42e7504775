"""Message traces, from the message to the results of its actions."""

from typing import Any

import pytest

from domain.channels import ChannelId
from entrypoints.simulation.environment import Sandbox
from tests.simulation.web.conftest import PageClient

_FLOW = """
name: relay
steps:
- id: ask
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message | match: '^relay' }}"
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Event.Payload.channelId }}", message: "asked"}}
- id: tell
  dependsOn: [ask]
  event: {packName: Slack, name: MessageSent}
  command: {packName: Slack, name: SendMessage, input: {channelId: NOWHERE, message: "told"}}
"""


def kinds(trace: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in trace["steps"]]


def steps_of(trace: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [step for step in trace["steps"] if step["kind"] == kind]


def is_completed(trace: dict[str, Any]) -> bool:
    return (trace["stage"], trace["completed_actions"], trace["pending_actions"]) == ("delivered", 1, 0)


def is_delivered(trace: dict[str, Any]) -> bool:
    return bool(trace["stage"] == "delivered")


async def test_an_echo_has_every_step_in_order(page: PageClient) -> None:
    trace = await page.wait_for_trace(await page.say("echo hi"), is_completed)

    assert kinds(trace) == [
        *("posted", "delivered", "received", "persisted", "acknowledged", "published"),
        *("flow_step", "action_created", "action_taken", "reply_posted", "action_completed"),
    ]
    times = [step["ms"] for step in trace["steps"]]
    assert times == sorted(times)
    assert times[0] == 0
    assert trace["last_ms"] == times[-1]


async def test_every_message_is_persisted_before_it_is_acknowledged(page: PageClient) -> None:
    for number in range(20):
        trace = await page.wait_for_trace(await page.say(f"number {number}"), is_delivered)
        assert kinds(trace).index("persisted") < kinds(trace).index("acknowledged")


async def test_an_unmatched_flow_step_has_its_reason_and_the_values_of_its_criteria(page: PageClient) -> None:
    trace = await page.wait_for_trace(await page.say("hello"), lambda trace: "flow_step" in kinds(trace))

    (step,) = steps_of(trace, "flow_step")
    assert step["outcome"] == "unmatched"
    assert step["reason"] == "the criteria are not met"
    assert step["rendered"] == "False"
    assert step["values"] == [["Event.Payload.message", '"hello"']]


async def test_actions_triggered_by_a_result_belong_to_the_same_trace(page: PageClient) -> None:
    await page.act("create-flow", text=_FLOW)

    trace = await page.wait_for_trace(await page.say("relay"), lambda trace: trace["completed_actions"] == 2)

    results = steps_of(trace, "action_completed")
    assert [result["event"] for result in results] == ["MessageSent", "SendMessageFailed"]
    assert [result["succeeded"] for result in results] == [True, False]
    assert trace["failed_actions"] == 1
    (rejection,) = steps_of(trace, "reply_rejected")
    assert rejection["error"] == "channel_not_found"


async def test_the_trace_tells_when_no_flow_waits_for_messages(page: PageClient) -> None:
    state = await page.wait_for(lambda state: any(key.startswith("flow/") for key in state))
    for key in [key for key in state if key.startswith("flow/")]:
        await page.act("delete-flow", flow=key.removeprefix("flow/"))

    trace = await page.wait_for_trace(await page.say("echo hi"), is_delivered)

    assert kinds(trace)[-1] == "no_flow"


async def test_a_message_in_a_channel_without_the_bot_is_only_posted(page: PageClient) -> None:
    trace = await page.wait_for_trace(await page.say("echo hi", channel="board"), lambda _: True)

    assert trace["stage"] == "bot_absent"
    assert kinds(trace) == ["posted"]


async def test_a_message_in_a_channel_that_the_pack_has_left_is_ignored(page: PageClient, sandbox: Sandbox) -> None:
    storage = sandbox.storage
    assert storage is not None
    channel_id = ChannelId(sandbox.workspace.conversation("#ops", "alice").id)
    await storage.channels.set_unjoined_memberships(frozenset({channel_id}))  # otherwise it would count as invited
    await storage.channels.leave(channel_id)

    trace = await page.wait_for_trace(
        await page.say("echo hi", channel="ops"), lambda trace: trace["stage"] != "at_slack"
    )

    assert trace["stage"] == "ignored"
    assert kinds(trace) == ["posted", "delivered", "received", "acknowledged"]


@pytest.mark.parametrize("text", ["x" * 30_000, "\n".join(["y"] * 3_000)])
async def test_long_texts_are_truncated(page: PageClient, text: str) -> None:
    key = await page.say(f"echo {text}")
    state = await page.wait_for(lambda state: (trace := state.get(f"trace/{key}")) and trace["completed_actions"])

    assert len(state[f"message/{key}"]["text"]) == 2_001
    (posted,) = steps_of(state[f"trace/{key}"], "reply_posted")
    assert len(posted["text"]) == 2_001


async def test_the_summary_counts_every_message_and_action_once(page: PageClient) -> None:
    for text in ("echo one", "two", "echo three"):
        await page.say(text)
    await page.say("not received", channel="board")

    state = await page.wait_for(lambda state: state.get("summary", {}).get("succeeded") == 2)

    summary = state["summary"]
    assert (summary["delivered"], summary["at_slack"], summary["in_pack"], summary["not_for_pack"]) == (3, 0, 0, 1)
    assert (summary["duplicates"], summary["dead_lettered"]) == (0, 0)
    assert (summary["pending_actions"], summary["failed"]) == (0, 0)
    assert summary["packs"] == ["Slack"]


async def test_an_event_published_twice_counts_as_a_duplicate(page: PageClient, sandbox: Sandbox) -> None:
    key = await page.say("hello")
    await page.wait_for_trace(key, is_delivered)
    sandbox.flyte.raise_event("Slack", "ReceivedMessage", sandbox.flyte.events[-1].payload)

    state = await page.wait_for(lambda state: state["summary"]["duplicates"] == 1)

    assert kinds(state[f"trace/{key}"]).count("published") == 2
    assert state["summary"]["delivered"] == 1


async def test_posts_that_reply_to_no_message_are_shown_too(page: PageClient, sandbox: Sandbox) -> None:
    channel = sandbox.workspace.conversation("#general", "alice")
    sandbox.flyte.queue_action("Slack", "SendMessage", {"channelId": channel.id, "message": "unprompted"})

    state = await page.wait_for(lambda state: state["summary"]["succeeded"] == 1)

    messages = [value for key, value in state.items() if key.startswith("message/")]
    assert [message["is_bot"] for message in messages if message["text"] == "unprompted"] == [True]
