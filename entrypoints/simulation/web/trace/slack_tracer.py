"""Traces at Slack what people do: delivered to the pack and acknowledged, and the bot's posts that reply to it."""

from typing import Final

from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.event_log import (
    Acknowledged,
    Call,
    Delivered,
    DeliveryEvent,
    EventRaised,
    GivenUp,
    InteractionEnded,
    Post,
    SlackEvent,
)
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.activities import Activity
from entrypoints.simulation.web.trace.sources import message_source, source_of_interaction
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces

_POSTED: Final = (None, "thread_broadcast", "file_share", "me_message")
"""Subtypes of the messages that people post."""
_STEPS: Final = {Delivered: "delivered", Acknowledged: "acknowledged", GivenUp: "given_up"}


class SlackTracer:
    """Adds what happens in a SlackServer to the traces."""

    def __init__(self, slack: SlackServer, traces: MessageTraces) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._traces = traces

    def open(self) -> None:
        """Starts to trace."""
        self._slack.log.listeners.append(self._on_event)

    def start(self, activity: Activity, at: float) -> None:
        """Start the trace of what a person did besides writing."""
        stage = DeliveryStage.AT_SLACK if activity.reaches_bot else DeliveryStage.BOT_ABSENT
        self._traces.start(activity.key, activity.source, at, stage, "done")

    def _on_event(self, event: SlackEvent) -> None:
        match event:
            case EventRaised():
                self._on_slack_event(event.event, event.at, reaches_bot=event.reaches_bot)
            case DeliveryEvent(channel=channel, ts=ts, event_ts=event_ts):
                source = message_source(channel, ts) if event.event_type == "message" else event_ts
                trace = self._traces.by_source.get(source) or self._traces.by_source.get(event_ts)
                if trace is not None:
                    self._on_delivery(trace, event)
            case InteractionEnded(interaction_id=interaction_id):
                self._on_interaction_end(self._slack.interactions[interaction_id], event.at)
            case Post(channel=channel, ts=ts, text=text):
                self._traces.counters["posts"] += 1
                self._add_reply_step(
                    "reply_posted", event.at, channel, text, {"channel": channel, "ts": ts, "text": text}
                )
            case Call(method="chat.postMessage", error=error, arguments=arguments) if error:
                channel, text = str(arguments.get("channel", "")), str(arguments.get("text") or "")
                self._add_reply_step("reply_rejected", event.at, channel, text, {"error": error})
            case _:
                pass

    def _on_interaction_end(self, interaction: Interaction, at: float) -> None:
        trace = self._traces.by_source.get(source_of_interaction(interaction.payload))
        if trace is None:
            return
        if interaction.failure:
            details = {"reason": interaction.failure}
            self._traces.advance(trace, "unanswered", at, details, DeliveryStage.UNANSWERED)
        elif trace.stage is DeliveryStage.AT_SLACK:
            stage = DeliveryStage.IGNORED if self._traces.has_probe else DeliveryStage.IN_PACK
            self._traces.advance(trace, "acknowledged", at, {"attempt": 0}, stage)
        else:
            self._traces.advance(trace, "acknowledged", at, {"attempt": 0})

    def _on_slack_event(self, event: JsonObject, at: float, *, reaches_bot: bool) -> None:
        if event.get("subtype") == "message_changed":
            self._on_edit(event, at, reaches_bot=reaches_bot)
        is_posted = event.get("type") == "message" and event.get("subtype") in _POSTED
        if not is_posted or event.get("bot_id") or "user" not in event:
            return
        key = (event["channel"], event["ts"])
        if key not in self._traces.by_message:
            stage = DeliveryStage.AT_SLACK if reaches_bot else DeliveryStage.BOT_ABSENT
            self._traces.start(key, message_source(*key), at, stage)

    def _on_edit(self, event: JsonObject, at: float, *, reaches_bot: bool) -> None:
        """Follow the edit of a person's message, in the trace of the message."""
        trace = self._traces.by_message.get((event["channel"], event["message"]["ts"]))
        if trace is not None and reaches_bot:
            self._traces.follow(trace, event["event_ts"])
            self._traces.advance(trace, "edited", at)

    def _on_delivery(self, trace: MessageTrace, delivery: DeliveryEvent) -> None:
        stage = None
        if isinstance(delivery, Acknowledged) and trace.stage is DeliveryStage.AT_SLACK:
            # The pack stores a message before it acknowledges it: a probe would have reported that already.
            stage = DeliveryStage.IGNORED if self._traces.has_probe else DeliveryStage.IN_PACK
        self._traces.advance(trace, _STEPS[type(delivery)], delivery.at, {"attempt": delivery.attempt}, stage)

    def _add_reply_step(self, kind: str, at: float, channel_name: str, text: str, details: JsonObject) -> None:
        """Add a post, or an attempt at one, to the trace of the action that asked for it."""
        channel = self._workspace.find_channel(channel_name)
        names = {channel_name, channel.channel_id, channel.name, f"#{channel.name}"} if channel else {channel_name}
        trace = self._traces.find_by_post(names, text)
        if trace is not None:
            self._traces.advance(trace, kind, at, details)
