"""A simulated Slack with an app that acknowledges interactions, and builders of blocks and forms."""

from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, SlackApp
from tests.support.slack_views import BUTTON, MODAL


def text(content: str) -> Json:
    return {"type": "plain_text", "text": content}


def options(*labels: str) -> list[Json]:
    return [{"text": text(label), "value": label.lower()} for label in labels]


def element(kind: str, action_id: str, **fields: Any) -> Json:
    return {"type": kind, "action_id": action_id, **fields}


def section(content: str, accessory: Json) -> Json:
    return {"type": "section", "block_id": content, "text": text(content), "accessory": accessory}


def field(label: str, inner: Json, **fields: Any) -> Json:
    return {"type": "input", "block_id": label, "label": text(label), "element": inner, **fields}


def form(*blocks: Json, **fields: Any) -> Json:
    return {**MODAL, "blocks": list(blocks), **fields}


SIZES = element("static_select", "size", placeholder=text("Choose a size"), options=options("Small", "Large"))
DECISION: Json = {"type": "actions", "block_id": "decision", "elements": [BUTTON, SIZES]}
PEOPLE: Json = {"type": "actions", "block_id": "people", "elements": [element("multi_users_select", "who")]}
TOPPINGS = section("Toppings", element("checkboxes", "toppings", options=options("Cheese", "Olives")))
DUE = section("Due", element("datepicker", "due"))
MEETING: Json = {"type": "actions", "block_id": "meeting", "elements": [element("datetimepicker", "when")]}
UNNAMED: Json = {"type": "actions", "elements": [{"type": "button", "text": text("Go")}]}


class World:
    """Alice and Bob in #ops, with an app that acknowledges everything."""

    def __init__(self, slack: SlackServer, session: aiohttp.ClientSession, web: AsyncWebClient) -> None:
        self.users = slack
        self._slack = slack
        self._session = session
        self._web = web
        self._channel = slack.workspace.channel("ops").channel_id

    async def post(self, *blocks: Json) -> str:
        return str((await self._web.chat_postMessage(channel=self._channel, text="?", blocks=blocks))["ts"])

    async def show(self, handle: str, *blocks: Json) -> str:
        user = self.user_id(handle)
        shown = await self._web.chat_postEphemeral(channel=self._channel, user=user, text="?", blocks=blocks)
        return str(shown["message_ts"])

    async def respond(self, response_url: str, fields: Json) -> None:
        async with self._session.post(response_url, json=fields) as response:
            assert await response.text() == "ok"

    def shown_to(self, handle: str) -> list[str]:
        user = self.user_id(handle)
        return [one.fields["text"] for one in self._slack.workspace.ephemerals.values() if one.user_id == user]

    async def open_modal(self, handle: str, view: Json) -> str:
        opened = await self._web.views_open(trigger_id=self.users.new_trigger(handle), view=view)
        return str(opened["view"]["id"])

    async def until_no_modal(self, handle: str) -> None:
        await self._slack.wait_for(lambda: self.users.modal(handle) is None)

    def user_id(self, handle: str) -> str:
        return self._slack.workspace.user(handle).user_id


class Responder:
    """An app that acknowledges interactions, each with the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[Json] = []

    async def run(self, app: SlackApp, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            envelope = await app.frame(socket)
            answer = {"payload": self.answers.pop(0)} if self.answers and envelope["type"] != "events_api" else {}
            await socket.send_json({"envelope_id": envelope["envelope_id"], **answer})
