"""What of a message's way can be seen at Slack: said, delivered, acknowledged; and the posts that answer it."""

from typing import Final

from entrypoints.simulation.slack.event_log import Happening
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.trace.pending_actions import PendingActions
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

NEW: Final = (None, "thread_broadcast", "file_share", "me_message")
"""The subtypes of messages that people say."""


class SlackTracer:
    """Follows what happens in a SlackServer."""

    def __init__(self, slack: SlackServer, ways: MessageTraces, in_hand: PendingActions) -> None:
        self._world = slack.workspace
        self._ways = ways
        self._in_hand = in_hand
        slack.log.listeners.append(self._hear)

    def _hear(self, happening: Happening) -> None:
        details, at = happening.details, happening.at
        match happening.kind:
            case "event":
                self._hear_event(details["event"], at, is_heard=details["reaches_bot"])
            case "delivered" | "acknowledged" | "given_up" if details["event_type"] == "message":
                way = self._ways.by_message.get((details["channel"], details["ts"]))
                if way is not None:
                    self._hear_of_delivery(way, happening)
            case "post":
                self._ways.counters["posts"] += 1
                self._hear_of_post("sent", at, details, room=details["channel"], ts=details["ts"], text=details["text"])
            case "call" if details["method"] == "chat.postMessage" and details["error"]:
                self._hear_of_post("refused", at, details["arguments"], error=details["error"])
            case _:
                pass

    def _hear_event(self, event: JsonObject, at: float, *, is_heard: bool) -> None:
        is_new = event.get("type") == "message" and event.get("subtype") in NEW
        if not is_new or event.get("bot_id") or "user" not in event:
            return
        key = (event["channel"], event["ts"])
        if key not in self._ways.by_message:
            self._ways.start(key, at, DeliveryStage.AT_SLACK if is_heard else DeliveryStage.BOT_ABSENT)

    def _hear_of_delivery(self, way: MessageTrace, happening: Happening) -> None:
        stage = None
        if happening.kind == "acknowledged" and way.stage is DeliveryStage.AT_SLACK:
            # What is kept is safe before it is acknowledged.
            stage = DeliveryStage.IGNORED if self._ways.has_probe else DeliveryStage.IN_PACK
        details = {"attempt": happening.details["attempt"]}
        self._ways.advance(way, happening.kind, happening.at, details, stage)

    def _hear_of_post(self, station: str, at: float, asked: JsonObject, **details: object) -> None:
        """Somebody posted, or tried to, with these arguments."""
        name = str(asked.get("channel", ""))
        channel = self._world.find_channel(name)
        names = {name, channel.channel_id, channel.name, f"#{channel.name}"} if channel else {name}
        action = self._in_hand.find_by_post(names, str(asked.get("text") or ""))
        way = self._ways.by_action.get(action) if action else None
        if way is not None:
            self._ways.advance(way, station, at, details)
