"""What of a message's way can be seen at Slack: said, delivered, acknowledged; and the posts that answer it."""

from typing import Final

from entrypoints.simulation.slack.event_log import (
    Acknowledged,
    Call,
    Delivered,
    DeliveryEvent,
    EventRaised,
    GivenUp,
    Post,
    SlackEvent,
)
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.trace.pending_actions import PendingActions
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

NEW: Final = (None, "thread_broadcast", "file_share", "me_message")
"""The subtypes of messages that people say."""
_STATIONS: Final = {Delivered: "delivered", Acknowledged: "acknowledged", GivenUp: "given_up"}


class SlackTracer:
    """Follows what happens in a SlackServer."""

    def __init__(self, slack: SlackServer, ways: MessageTraces, in_hand: PendingActions) -> None:
        self._world = slack.workspace
        self._ways = ways
        self._in_hand = in_hand
        slack.log.listeners.append(self._hear)

    def _hear(self, event: SlackEvent) -> None:
        match event:
            case EventRaised():
                self._hear_event(event.event, event.at, is_heard=event.reaches_bot)
            case DeliveryEvent(event_type="message", channel=channel, ts=ts):
                way = self._ways.by_message.get((channel, ts))
                if way is not None:
                    self._hear_of_delivery(way, event)
            case Post(channel=room, ts=ts, text=text):
                self._ways.counters["posts"] += 1
                self._hear_of_post("sent", event.at, {"channel": room, "text": text}, room=room, ts=ts, text=text)
            case Call(method="chat.postMessage", error=error) if error:
                self._hear_of_post("refused", event.at, event.arguments, error=error)
            case _:
                pass

    def _hear_event(self, event: JsonObject, at: float, *, is_heard: bool) -> None:
        is_new = event.get("type") == "message" and event.get("subtype") in NEW
        if not is_new or event.get("bot_id") or "user" not in event:
            return
        key = (event["channel"], event["ts"])
        if key not in self._ways.by_message:
            self._ways.start(key, at, DeliveryStage.AT_SLACK if is_heard else DeliveryStage.BOT_ABSENT)

    def _hear_of_delivery(self, way: MessageTrace, delivery: DeliveryEvent) -> None:
        stage = None
        if isinstance(delivery, Acknowledged) and way.stage is DeliveryStage.AT_SLACK:
            # What is kept is safe before it is acknowledged.
            stage = DeliveryStage.IGNORED if self._ways.has_probe else DeliveryStage.IN_PACK
        self._ways.advance(way, _STATIONS[type(delivery)], delivery.at, {"attempt": delivery.attempt}, stage)

    def _hear_of_post(self, station: str, at: float, asked: JsonObject, **details: object) -> None:
        """Somebody posted, or tried to, with these arguments."""
        name = str(asked.get("channel", ""))
        channel = self._world.find_channel(name)
        names = {name, channel.channel_id, channel.name, f"#{channel.name}"} if channel else {name}
        action = self._in_hand.find_by_post(names, str(asked.get("text") or ""))
        way = self._ways.by_action.get(action) if action else None
        if way is not None:
            self._ways.advance(way, station, at, details)
