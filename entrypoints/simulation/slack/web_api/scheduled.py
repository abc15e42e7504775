"""`chat.scheduleMessage` and its companions: messages that the simulated Slack posts later, by its own clock."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.slack.event_log import SlackLog
from entrypoints.simulation.slack.models import Channel, JsonObject
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, fail_if, paginate
from entrypoints.simulation.slack.web_api.chat import author, post, target
from entrypoints.simulation.slack.web_api.content import read_content, read_thread
from entrypoints.simulation.slack.workspace import WorkspaceState

MAX_DAYS: Final = 120
SECONDS_PER_DAY: Final = 86_400
MAX_PER_WINDOW: Final = 30
WINDOW_SECONDS: Final = 300
TOO_LATE_SECONDS: Final = 60
"""The time before its post in which a message can no longer be deleted."""


@dataclass(frozen=True, slots=True)
class ScheduledMessage:
    """A message to be posted at a time in seconds since the epoch."""

    message_id: str
    channel: Channel
    post_at: int
    created: int
    fields: JsonObject
    thread_ts: str | None
    arguments: JsonObject

    @property
    def is_posted(self) -> bool:
        """Whether it will be posted: Slack accepts messages with metadata, but never posts them."""
        return not self.arguments.get("metadata")

    def as_json(self) -> JsonObject:
        """Returns the message as `chat.scheduledMessages.list` does."""
        times = {"post_at": self.post_at, "date_created": self.created}
        return {"id": self.message_id, "channel_id": self.channel.channel_id, "text": self.fields["text"], **times}


class ScheduledMessages:
    """The messages that wait for their time; `run` posts them."""

    def __init__(self, workspace: WorkspaceState, log: SlackLog) -> None:
        self._workspace = workspace
        self._log = log
        self._waiting: dict[str, ScheduledMessage] = {}
        self._changed = asyncio.Event()

    @property
    def methods(self) -> Mapping[str, Method]:
        """The methods of the Web API for scheduled messages."""
        return {
            "chat.scheduleMessage": Method(self._schedule, 3, ("chat:write",)),
            "chat.scheduledMessages.list": Method(self._list, 3),
            "chat.deleteScheduledMessage": Method(self._delete, 3, ("chat:write",)),
        }

    def wake(self) -> None:
        """Posts what is due, after a change of the clock."""
        self._changed.set()

    async def run(self) -> None:
        """Posts every message when its time has come."""
        while True:
            self._changed.clear()
            self._post_due()
            next_at = min((message.post_at for message in self._waiting.values()), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if next_at is None else next_at - self._workspace.now()):
                    await self._changed.wait()

    def _post_due(self) -> None:
        now = self._workspace.now()
        for message in sorted(self._waiting.values(), key=lambda one: one.post_at):
            if message.post_at <= now:
                del self._waiting[message.message_id]
                if message.is_posted and not message.channel.is_archived:
                    post(
                        self._workspace,
                        self._log,
                        message.channel,
                        message.fields,
                        message.arguments,
                        message.thread_ts,
                    )

    def _schedule(self, call: MethodCall) -> JsonObject:
        """`chat.scheduleMessage`: posts a message later."""
        channel = target(call)
        content, _ = read_content(call)
        thread_ts = read_thread(call, channel)
        fields = author(call) | content
        now = int(self._workspace.now())
        post_at = call.number("post_at", 0, code="invalid_time")
        fail_if(not post_at, "invalid_time")
        fail_if(post_at <= now, "time_in_past")
        fail_if(post_at > now + MAX_DAYS * SECONDS_PER_DAY, "time_too_far")
        near = [one for one in self._waiting.values() if one.channel is channel and _are_near(one.post_at, post_at)]
        fail_if(len(near) >= MAX_PER_WINDOW, "restricted_too_many")
        message_id = self._workspace.new_id("Q")
        message = ScheduledMessage(message_id, channel, post_at, now, fields, thread_ts, call.arguments)
        self._waiting[message_id] = message
        self.wake()
        delayed = fields | {"type": "delayed_message"}
        ids = {"channel": channel.channel_id, "scheduled_message_id": message_id}
        return {**ids, "post_at": post_at, "message": delayed}

    def _list(self, call: MethodCall) -> JsonObject:
        """`chat.scheduledMessages.list`: the messages that wait, the next one first."""
        channel_id = call.text("channel")
        fail_if(channel_id and channel_id not in self._workspace.channels, "invalid_channel")
        oldest, latest = call.number("oldest", 0), call.number("latest", 0)
        fail_if(oldest and latest and oldest >= latest, "invalid_arguments")
        chosen = [
            message
            for message in sorted(self._waiting.values(), key=lambda one: one.post_at)
            if channel_id in ("", message.channel.channel_id)
            and oldest <= message.post_at <= (latest or message.post_at)
        ]
        page, following = paginate(call, chosen, default=100)
        return {"scheduled_messages": [message.as_json() for message in page], **following}

    def _delete(self, call: MethodCall) -> JsonObject:
        """`chat.deleteScheduledMessage`: deletes a message that waits for longer than a minute."""
        channel = call.channel()
        message = self._waiting.get(call.text("scheduled_message_id"))
        is_deletable = (
            message is not None
            and message.channel is channel
            and message.post_at > self._workspace.now() + TOO_LATE_SECONDS
        )
        fail_if(not is_deletable, "invalid_scheduled_message_id")
        del self._waiting[call.text("scheduled_message_id")]
        return {}


def _are_near(one: int, other: int) -> bool:
    return one // WINDOW_SECONDS == other // WINDOW_SECONDS
