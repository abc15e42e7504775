"""Records the calls of the chat and workflow ports, and the events of the receiver."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from adapters.recording.entries import (
    ActionCompleted,
    ActionTaken,
    ChatRequested,
    Entry,
    EventPublished,
    EventReceived,
    Identified,
    JoinRequested,
    LeaveRequested,
    MembershipChanged,
    MessagePosted,
    MessageReceived,
    Registered,
    UserLookedUp,
)
from adapters.recording.recorder import Recorder
from adapters.serialization.command_inputs import command_input
from adapters.serialization.event_payloads import event_name, event_payload
from application.catalog.events import event_spec
from application.catalog.secrecy import hide_capabilities
from application.ports.receiver import IncomingEvent, MembershipGained, MembershipLost
from application.resilience.interception import PortCall
from domain.commands import chat_fields, command_name
from domain.errors import ChatError, WorkflowError
from domain.interactions import Activity
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Post

_Describe: TypeAlias = Callable[[datetime, PortCall, Any, str], Entry | None]
"""Returns the entry for a call, from the time, the call, its result (None if it failed) and its error."""


class RecordingPolicy:
    """Records each call once it has returned or failed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        try:
            result = await call.perform()
        except (ChatError, WorkflowError) as error:
            self._record(call, None, str(error))
            raise
        self._record(call, result, "")
        return result

    def record_event(self, incoming: IncomingEvent) -> None:
        """Records a received event. Events delivered twice are recorded twice."""
        match incoming.event:
            case IncomingMessage() as message:
                self._recorder.write(_received(incoming, message))
            case MembershipGained(channel_id) | MembershipLost(channel_id) as change:
                is_member = isinstance(change, MembershipGained)
                at = incoming.received_at
                self._recorder.write(MembershipChanged(at=at, channel_id=channel_id, is_member=is_member))
            case event if isinstance(event, Activity):
                self._recorder.write(_event_received(incoming, event))
            case _:
                pass

    def _record(self, call: PortCall, result: Any, error: str) -> None:
        describe = _DESCRIPTIONS.get(call.method)
        entry = describe(self._recorder.now, call, result, error) if describe else None
        if entry is not None:
            self._recorder.write(entry)


def _received(incoming: IncomingEvent, message: IncomingMessage) -> MessageReceived:
    return MessageReceived(
        at=incoming.received_at,
        channel_id=message.channel_id,
        timestamp=message.timestamp,
        text=message.text,
        user_id=message.user_id,
        bot_id=message.bot_id,
        thread_timestamp=message.thread_timestamp,
        is_direct=message.is_direct,
        files=tuple(map(_file, message.files)),
    )


def _file(file: Json) -> Json:
    return {name: file.get(name) for name in ("name", "title", "size")} if isinstance(file, dict) else None


def _event_received(incoming: IncomingEvent, event: Activity) -> EventReceived:
    values = asdict(event).items()
    content: Json = {name: list(value) if isinstance(value, tuple) else value for name, value in values}
    return EventReceived(at=incoming.received_at, event=event_spec(event).name, content=hide_capabilities(content))


def _registered(at: datetime, call: PortCall, _result: Any, error: str) -> Entry | None:
    (definition,) = call.arguments
    return None if error else Registered(at=at, pack=definition.name, labels=dict(definition.labels))


def _identified(at: datetime, _call: PortCall, identity: Any, error: str) -> Entry | None:
    return None if error else Identified(at=at, user_id=identity.user_id, bot_id=identity.bot_id)


def _looked_up(at: datetime, _call: PortCall, user: Any, error: str) -> Entry | None:
    if error:
        return None
    return UserLookedUp(
        at=at, user_id=user.id, name=user.name, title=user.title, first_name=user.first_name, last_name=user.last_name
    )


def _posted(at: datetime, call: PortCall, receipt: Any, error: str) -> Entry:
    message: Post = call.arguments[0]
    channel_id, timestamp = (message.channel_id, "") if error else (receipt.channel_id, receipt.timestamp)
    return MessagePosted(at=at, channel_id=channel_id, fields=_fields(message), timestamp=timestamp, error=error)


def _taken(at: datetime, _call: PortCall, action: Any, error: str) -> Entry | None:
    if error or action is None:
        return None
    return ActionTaken(
        at=at,
        action=action.id,
        command=command_name(action.command),
        input=hide_capabilities(command_input(action.command)),
    )


def _completed(at: datetime, call: PortCall, _result: Any, error: str) -> Entry:
    action_id, outcome, _ = call.arguments
    return ActionCompleted(
        at=at,
        action=action_id,
        event=event_name(outcome),
        payload=hide_capabilities(event_payload(outcome)),
        error=error,
    )


def _published(at: datetime, call: PortCall, _result: Any, error: str) -> Entry:
    event = call.arguments[0]
    return EventPublished(at=at, event=event_name(event), payload=hide_capabilities(event_payload(event)), error=error)


def _requested(at: datetime, call: PortCall, _result: Any, error: str) -> Entry:
    arguments = inspect.signature(call.function).bind(*call.arguments, **call.keywords).arguments
    fields = cast("JsonObject", hide_capabilities({name: _json(value) for name, value in arguments.items()}))
    return ChatRequested(at=at, request=call.method, fields=fields, error=error)


def _json(value: Any) -> Json:
    return value.isoformat() if isinstance(value, datetime) else cast("Json", value)


_REQUESTS: Final = (
    *("update", "delete", "add_reaction", "remove_reaction"),
    *("post_ephemeral", "schedule", "cancel_scheduled", "respond"),
    *("open_view", "update_view", "publish_home", "finish_upload", "open_direct", "call_method"),
)
"""Methods that change something, and whose arguments are texts, times and JSON."""

_DESCRIPTIONS: Mapping[str, _Describe] = {
    "register": _registered,
    "identify": _identified,
    "look_up": _looked_up,
    "find_user": _looked_up,
    "post": _posted,
    "join": lambda at, call, _, error: JoinRequested(at=at, channel_id=call.arguments[0], error=error),
    "leave": lambda at, call, _, error: LeaveRequested(at=at, channel_id=call.arguments[0], error=error),
    "take": _taken,
    "complete": _completed,
    "publish": _published,
    **dict.fromkeys(_REQUESTS, _requested),
}


def _fields(message: Post) -> JsonObject:
    """Returns the arguments of Slack's `chat.postMessage`."""
    if isinstance(message, OutgoingMessage):
        thread: JsonObject = {"thread_ts": message.thread_timestamp} if message.thread_timestamp else {}
        return {"channel": message.channel_id, "text": message.text, **thread}
    return chat_fields(message)
