"""Actions of the page: their effects and their errors."""

import pytest

from entrypoints.simulation.environment import Sandbox
from tests.simulation.web.conftest import PageClient

_VALID = {"person": "alice", "channel": "general"}


async def test_a_text_is_encoded_as_slack_encodes_it(page: PageClient) -> None:
    key = await page.say("a < b & <!channel> for @bob in #ops, not @unknown")

    text = (await page.wait_for_key(f"message/{key}"))["text"]

    assert text.startswith("a &lt; b &amp; &lt;!channel&gt; for <@U")
    assert "<#C" in text
    assert text.endswith("|ops>, not @unknown")


async def test_the_feed_has_an_actions_effect_when_the_action_returns(page: PageClient) -> None:
    key = await page.say("hello")
    channel, ts = key.split("/")

    await page.act("edit", channel=channel, ts=ts, text="good day")
    await page.act("react", channel=channel, ts=ts, person="bob", emoji=":eyes:")

    message = await page.wait_for_key(f"message/{key}")
    assert (message["text"], message["is_edited"]) == ("good day", True)
    assert [reaction["name"] for reaction in message["reactions"]] == ["eyes"]


async def test_deleting_a_message_removes_its_trace_too(page: PageClient) -> None:
    channel, ts = (await page.say("hello")).split("/")

    await page.act("delete", channel=channel, ts=ts)

    state = await page.wait_for(lambda state: "conversations" in state)
    assert f"message/{channel}/{ts}" not in state
    assert f"trace/{channel}/{ts}" not in state


async def test_the_bot_can_be_invited_and_removed(page: PageClient, sandbox: Sandbox) -> None:
    bot = next(person for person in await page.wait_for_key("people") if person["is_bot"])

    assert await page.act("invite", channel="board", person=bot["id"]) == {}
    assert sandbox.workspace.conversation("#board", "alice").has_bot
    assert await page.act("kick", channel="board", person=bot["id"]) == {}
    assert not sandbox.workspace.conversation("#board", "alice").has_bot


@pytest.mark.parametrize(
    ("action", "arguments", "error"),
    [
        ("fly", {}, "there is no action fly"),
        ("say", {}, "person is missing"),
        ("say", {"person": "alice", "channel": 7, "text": "x"}, "channel is missing"),
        ("say", {"person": "eve", "channel": "general", "text": "x"}, "there is no user 'eve'"),
        ("say", {"person": "alice", "channel": "nowhere", "text": "x"}, "there is no channel 'nowhere'"),
        ("say", {**_VALID, "text": ""}, "text is missing"),
        ("say", {**_VALID, "text": "x" * 100_001}, "text is longer than 100,000 characters"),
        ("say", {**_VALID, "text": "\ud800"}, "text contains invalid characters"),
        ("say", {**_VALID, "text": "x", "thread": "1.000000"}, "the message you reply to no longer exists"),
        ("edit", {"channel": "general", "ts": "1.000000", "text": "x"}, "the message no longer exists"),
        ("delete", {"channel": "general", "ts": "1.000000"}, "the message no longer exists"),
        ("react", {**_VALID, "ts": "1.000000", "emoji": "x"}, "the message no longer exists"),
        ("kick", {"channel": "general", "person": "flyte"}, "no one can be removed from #general"),
        ("add-channel", {"name": "#ops"}, "#ops already exists"),
        ("add-channel", {"name": "a b"}, "names start with a letter or digit"),
        ("add-channel", {"name": "x" * 81}, "name is longer than 80 characters"),
        ("add-person", {"name": "@Alice"}, "alice already exists"),
        ("add-person", {"name": "<b>"}, "names start with a letter or digit"),
        ("update-flow", {"flow": "flow-99", "text": "x"}, "flow flow-99 no longer exists"),
        ("delete-flow", {"flow": "flow-99"}, "flow flow-99 no longer exists"),
        ("save-flow", {"flow": "flow-99", "text": "x", "version": "y"}, "flow flow-99 no longer exists"),
        ("load-flow", {"flow": "flow-99"}, "flow flow-99 no longer exists"),
        ("set-fault", {"fault": "no-such", "on": True}, "there is no fault no-such"),
        ("set-fault", {"fault": "flyte-down", "on": "yes"}, "on must be true or false"),
    ],
)
async def test_an_invalid_action_is_rejected_with_a_reason(
    page: PageClient, action: str, arguments: dict[str, object], error: str
) -> None:
    result = await page.act(action, **arguments)

    assert error in result["error"]


async def test_people_cannot_edit_the_bots_messages(page: PageClient) -> None:
    key = await page.say("echo hi")
    trace = await page.wait_for_trace(key, lambda trace: trace["completed_actions"])
    (posted,) = [step for step in trace["steps"] if step["kind"] == "reply_posted"]

    result = await page.act("edit", channel=posted["channel"], ts=posted["ts"], text="x")

    assert result == {"error": "only the bot can edit its messages"}


async def test_no_one_can_be_invited_to_direct_messages(page: PageClient) -> None:
    channel = (await page.act("open-direct", person="alice"))["channel"]

    result = await page.act("invite", channel=channel, person="bob")

    assert result == {"error": "direct messages have fixed members"}
