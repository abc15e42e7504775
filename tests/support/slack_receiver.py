"""Receivers connected to a simulated Slack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.slack.chat import SlackChat
from adapters.slack.events import EventSelection
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from application.ports.receiver import Receiver
from domain.channels import ChannelId
from domain.messages import OutgoingMessage
from domain.users import Identity
from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.people_contract import PeopleEnvironment
from tests.support.slack_views import BUTTON, MODAL

SELECTION = EventSelection(edits=True, other_types=frozenset({"app_home_opened"}))
"""All optional events."""


@dataclass
class ConnectedReceiver:
    """A receiver and the Slack it is connected to, with the user `alice` in a channel with the bot."""

    slack: SlackServer
    web: SlackWebClient
    chat: SlackChat
    receiver: Receiver
    channel: ChannelId

    def say(self, text: str, thread: str = "") -> str:
        return self.slack.say("alice", self.channel, text, thread_ts=thread or None)


@asynccontextmanager
async def connect_receiver(
    slack: SlackServer, clock: Clock | None = None, *, timeout_seconds: float = 5.0
) -> AsyncIterator[ConnectedReceiver]:
    """Connects by RTM if the Slack is `classic`, otherwise by Socket Mode."""
    clock = clock or SystemClock()
    web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=timeout_seconds)
    chat = SlackChat(web)
    is_rtm = slack.access.is_classic
    receiver = (
        SlackRtm(web, clock)
        if is_rtm
        else SlackSocketMode(web, slack.app_token, chat.identify, clock, selection=SELECTION)
    )
    slack.add_user("alice")
    channel = ChannelId(slack.add_channel("ops", members=("alice", slack.bot_user_id)))
    async with web.open():
        yield ConnectedReceiver(slack, web, chat, receiver, channel)


class SlackReceiverEnvironment(PeopleEnvironment):
    def __init__(self, connected: ConnectedReceiver) -> None:
        self._connected = connected
        self._slack = connected.slack
        self.receiver: Receiver = connected.receiver
        self.channel = connected.channel
        self.identity = Identity(self._slack.bot_user_id, self._slack.bot_id)
        self.replays_missed = not self._slack.access.is_classic

    def say(self, text: str, thread: str = "") -> str:
        return self._connected.say(text, thread)

    def say_directly(self, text: str) -> str:
        return self._slack.say("alice", self._slack.open_im("alice"), text)

    async def post(self, text: str) -> None:
        await self._connected.chat.post(OutgoingMessage(self.channel, text), None)

    def open_other_channel(self) -> ChannelId:
        return ChannelId(self._slack.add_channel("other", members=("alice",)))

    def invite(self, channel_id: ChannelId) -> None:
        self._slack.invite(channel_id, self._slack.bot_user_id)

    def remove(self, channel_id: ChannelId) -> None:
        self._slack.kick(channel_id, self._slack.bot_user_id)

    def archive(self, channel_id: ChannelId) -> None:
        self._slack.archive(channel_id)

    def revoke_token(self) -> None:
        self._slack.access.forced_error = "invalid_auth"

    def is_acknowledged(self, timestamp: str) -> bool:
        return self._slack.is_acknowledged(self.channel, timestamp)

    async def wait_until_acknowledged(self, timestamp: str) -> None:
        await self._slack.wait_for(lambda: self.is_acknowledged(timestamp))

    def redeliver(self) -> None:
        """Nothing to do: the server's acknowledgement deadline passes soon."""

    def react(self, timestamp: str, reaction: str) -> None:
        self._slack.react("alice", self.channel, timestamp, reaction)

    def unreact(self, timestamp: str, reaction: str) -> None:
        self._slack.unreact("alice", self.channel, timestamp, reaction)

    def edit(self, timestamp: str, text: str) -> None:
        self._slack.edit(self.channel, timestamp, text)

    def delete(self, timestamp: str) -> None:
        self._slack.delete(self.channel, timestamp)

    def open_home(self) -> str:
        self._slack.open_home("alice")
        return "app_home_opened"

    def click(self, channel_id: ChannelId) -> Interaction:
        blocks = [{"type": "actions", "block_id": "decision", "elements": [BUTTON]}]
        timestamp = self._slack.say_as_bot("pager", channel_id, "Deploy?", blocks=blocks)
        return self._slack.click("alice", channel_id, timestamp, "approve")

    def run_command(self, channel_id: ChannelId, command: str, text: str) -> Interaction:
        return self._slack.run_command("alice", channel_id, command, text)

    def use_shortcut(self, callback_id: str) -> Interaction:
        return self._slack.use_shortcut("alice", callback_id)

    def use_message_shortcut(self, callback_id: str, channel_id: ChannelId) -> Interaction:
        timestamp = self._slack.say("alice", channel_id, "Help")
        return self._slack.use_message_shortcut("alice", callback_id, channel_id, timestamp)

    async def open_modal(self) -> str:
        return (await self._connected.chat.open_view(self._slack.new_trigger("alice"), MODAL)).id

    def submit(self, view_id: str, text: str) -> Interaction:
        return self._slack.submit("alice", view_id, {"text": text})

    def close_view(self, view_id: str) -> Interaction:
        interaction = self._slack.close_view("alice", view_id)
        assert interaction is not None
        return interaction

    async def wait_until_answered(self, interaction: Interaction) -> bool:
        await self._slack.wait_for(lambda: interaction.state is not InteractionState.SENT)
        return interaction.state is InteractionState.ACKNOWLEDGED
