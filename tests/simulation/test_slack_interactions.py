"""What people do with the app in the simulated Slack: each interaction is delivered once."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.delivery.interaction import InteractionState
from entrypoints.simulation.slack.event_log import EphemeralPost
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.workspace import UnknownName
from tests.simulation.slack_app import Json, SlackApp, error_of
from tests.support.slack_views import BUTTON, MODAL

DEADLINE_SECONDS = 0.05
SELECT = {
    "type": "static_select",
    "action_id": "size",
    "options": [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("small", "large")],
}
BLOCKS: list[Json] = [
    {"type": "actions", "block_id": "decision", "elements": [BUTTON]},
    {"type": "section", "block_id": "details", "text": {"type": "mrkdwn", "text": "Size"}, "accessory": SELECT},
]


@pytest.fixture
async def message(slack: SlackServer, web: AsyncWebClient) -> tuple[str, str]:
    """The channel and the `ts` of a message of the bot with a button and a select."""
    slack.invite("ops", slack.bot_user_id)
    posted = await web.chat_postMessage(channel=slack.workspace.channel("ops").channel_id, text="?", blocks=BLOCKS)
    return posted["channel"], posted["ts"]


async def received(app: SlackApp, socket: aiohttp.ClientWebSocketResponse) -> Json:
    """Returns the next envelope of an interaction, acknowledged."""
    while True:
        envelope = await app.frame(socket)
        await app.acknowledge(socket, envelope)
        if envelope["type"] != "events_api":
            return envelope


async def test_a_click_names_its_button_message_and_person(
    slack: SlackServer, app: SlackApp, message: tuple[str, str]
) -> None:
    channel, ts = message
    async with await app.open_socket() as socket:
        click = slack.click("alice", channel, ts, "approve")
        envelope = await received(app, socket)
        await slack.wait_for(lambda: click.state is InteractionState.ACKNOWLEDGED)

    payload = envelope["payload"]
    [action] = payload["actions"]
    assert (envelope["type"], envelope["accepts_response_payload"], payload["type"]) == (
        "interactive",
        False,
        "block_actions",
    )
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decision", "yes")
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == ts
    assert payload["user"]["id"] == slack.workspace.user("alice").user_id
    assert payload["state"] == {"values": {"details": {"size": {"type": "static_select", "selected_option": None}}}}


async def test_a_choice_stays_in_the_state_of_the_message(
    slack: SlackServer, app: SlackApp, message: tuple[str, str]
) -> None:
    async with await app.open_socket() as socket:
        slack.click("alice", *message, "size", "large")
        chosen = (await received(app, socket))["payload"]
        slack.click("alice", *message, "approve")
        pressed = (await received(app, socket))["payload"]

    assert chosen["actions"][0]["selected_option"]["value"] == "large"
    assert pressed["state"]["values"]["details"]["size"]["selected_option"]["value"] == "large"


async def test_an_unknown_element_is_not_found(slack: SlackServer, message: tuple[str, str]) -> None:
    names = r"there is no reject; there is: Approve \(button approve\), Size \(static_select size\)"
    with pytest.raises(UnknownName, match=names):
        slack.click("alice", *message, "reject")


async def test_an_interaction_that_is_not_acknowledged_in_time_fails_for_good() -> None:
    async with SlackServer(acknowledgement_seconds=DEADLINE_SECONDS) as slack, aiohttp.ClientSession() as session:
        slack.add_user("alice")
        slack.add_channel("ops")
        app = SlackApp(slack, session)
        async with await app.open_socket() as socket:
            command = slack.run_command("alice", "ops", "/deploy", "now")
            await app.frame(socket)
            await slack.wait_for(lambda: command.state is InteractionState.FAILED)
    assert command.failure == "timeout"
    assert slack.counters["interactions_failed"] == 1


async def test_an_interaction_fails_without_a_connection(slack: SlackServer) -> None:
    assert slack.run_command("alice", "ops", "/deploy").failure == "no connection"


async def test_a_slash_command_can_be_answered_at_once(slack: SlackServer, app: SlackApp) -> None:
    async with await app.open_socket() as socket:
        command = slack.run_command("alice", "ops", "/deploy", "api to production")
        envelope = await app.frame(socket)
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "on it"}})
        await slack.wait_for(lambda: command.state is InteractionState.ACKNOWLEDGED)

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert (envelope["payload"]["command"], envelope["payload"]["text"]) == ("/deploy", "api to production")
    assert command.response == {"text": "on it"}


async def test_a_modal_is_opened_filled_in_and_submitted(
    slack: SlackServer, app: SlackApp, web: AsyncWebClient
) -> None:
    async with await app.open_socket() as socket:
        slack.use_shortcut("alice", "new_ticket")
        shortcut = (await received(app, socket))["payload"]
        opened = await web.views_open(trigger_id=shortcut["trigger_id"], view=MODAL)
        slack.submit("alice", opened["view"]["id"], {"text": "It burns"})
        submission = (await received(app, socket))["payload"]

    assert (shortcut["type"], shortcut["callback_id"]) == ("shortcut", "new_ticket")
    assert (submission["type"], submission["view"]["callback_id"]) == ("view_submission", "ticket")
    assert submission["view"]["state"]["values"]["summary"]["text"] == {"type": "plain_text_input", "value": "It burns"}


async def test_closing_a_modal_is_told_if_the_app_asked_for_it(
    slack: SlackServer, app: SlackApp, web: AsyncWebClient
) -> None:
    opened = await web.views_open(trigger_id=slack.new_trigger("alice"), view=MODAL)
    silent = await web.views_open(trigger_id=slack.new_trigger("alice"), view={**MODAL, "notify_on_close": False})
    async with await app.open_socket() as socket:
        assert slack.close_view("alice", silent["view"]["id"]) is None
        slack.close_view("alice", opened["view"]["id"], is_cleared=True)
        closed = (await received(app, socket))["payload"]
    assert (closed["type"], closed["view"]["id"], closed["is_cleared"]) == ("view_closed", opened["view"]["id"], True)


async def test_a_response_replaces_the_message_that_was_used(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession, message: tuple[str, str]
) -> None:
    channel, ts = message
    async with await app.open_socket() as socket:
        slack.use_message_shortcut("alice", "report", channel, ts)
        url = (await received(app, socket))["payload"]["response_url"]
        async with session.post(url, json={"text": "reported", "replace_original": True}) as response:
            assert await response.text() == "ok"
    assert slack.history(channel)[-1]["text"] == "reported"


async def test_a_response_url_serves_five_times(
    slack: SlackServer, app: SlackApp, session: aiohttp.ClientSession
) -> None:
    seen: list[EphemeralPost] = []
    slack.log.listeners.append(lambda event: seen.append(event) if isinstance(event, EphemeralPost) else None)
    async with await app.open_socket() as socket:
        slack.run_command("alice", "ops", "/deploy")
        url = (await received(app, socket))["payload"]["response_url"]
    statuses = []
    for number in range(6):
        async with session.post(url, json={"text": f"step {number}"}) as response:
            statuses.append(response.status)
    assert statuses == [200] * 5 + [404]
    assert [post.text for post in seen] == [f"step {number}" for number in range(5)]


async def test_a_trigger_serves_once(slack: SlackServer, web: AsyncWebClient) -> None:
    trigger = slack.new_trigger("alice")
    await web.views_open(trigger_id=trigger, view=MODAL)
    assert await error_of(web.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"


@pytest.fixture
async def forms(slack: SlackServer) -> AsyncIterator[list[Json]]:
    """The forms that an app gets by HTTP, if they are signed; it answers commands with a text."""
    forms: list[Json] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        assert SignatureVerifier(slack.signing_secret).is_valid_request(body, dict(request.headers))
        forms.append(dict(await request.post()))
        return web.Response(text="on it")

    application = web.Application()
    application.router.add_post("/slack/events", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await slack.deliver_to(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events", verify=False)
    yield forms
    await runner.cleanup()


async def test_interactions_are_signed_forms_by_http(slack: SlackServer, forms: list[Json]) -> None:
    command = slack.run_command("alice", "ops", "/deploy", "now")
    await slack.wait_for(lambda: command.state is InteractionState.ACKNOWLEDGED)
    shortcut = slack.use_shortcut("alice", "new_ticket")
    await slack.wait_for(lambda: shortcut.state is InteractionState.ACKNOWLEDGED)
    assert (forms[0]["command"], forms[0]["text"], command.response) == ("/deploy", "now", "on it")
    assert '"callback_id": "new_ticket"' in forms[1]["payload"]


async def test_opening_the_home_tab_raises_an_event_with_the_view_that_it_shows(
    slack: SlackServer, app: SlackApp, web: AsyncWebClient
) -> None:
    alice = slack.workspace.user("alice").user_id
    async with await app.open_socket() as socket:
        slack.open_home("alice")
        empty = await app.event(socket)
        published = await web.views_publish(user_id=alice, view={"type": "home", "blocks": BLOCKS})
        slack.open_home("alice")
        shown = await app.event(socket)

    assert (empty["type"], empty["user"], empty["tab"], "view" in empty) == ("app_home_opened", alice, "home", False)
    assert empty["channel"] == slack.open_im("alice")
    assert shown["view"]["id"] == published["view"]["id"]
