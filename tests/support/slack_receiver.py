"""Receivers connected to a simulated Slack."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.slack.chat import SlackChat
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from application.ports.receiver import Receiver
from domain.channels import ChannelId
from domain.messages import OutgoingMessage
from domain.users import Identity
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import AcknowledgingEnvironment


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
    receiver = SlackRtm(web, clock) if is_rtm else SlackSocketMode(web, slack.app_token, chat.identify, clock)
    slack.add_user("alice")
    channel = ChannelId(slack.add_channel("ops", members=("alice", slack.bot_user_id)))
    async with web.open():
        yield ConnectedReceiver(slack, web, chat, receiver, channel)


class SlackReceiverEnvironment(AcknowledgingEnvironment):
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
