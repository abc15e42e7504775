"""Traces people's actions at Slack, from delivery to the pack and acknowledgement to what the bot does in response."""

from typing import Final, NamedTuple

from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.event_log import (
    Acknowledged,
    Call,
    Delivered,
    DeliveryEvent,
    EphemeralChanged,
    EphemeralPost,
    EventRaised,
    GivenUp,
    InteractionEnded,
    Post,
    SlackEvent,
    ViewChanged,
)
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.activities import Activity
from entrypoints.simulation.web.trace.sources import message_source, source_of_interaction
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageTrace
from entrypoints.simulation.web.trace.traces import MessageTraces
from entrypoints.simulation.workspaces.message_text import visible_text

_POSTED: Final = (None, "thread_broadcast", "file_share", "me_message")
"""Subtypes of the messages that people post."""
_VIEW_CHANGES: Final = ("opened", "pushed", "updated", "published")
"""The bot's changes to views; all others are people's."""
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
        """Starts the trace of a person's activity other than a message."""
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
            case Post():
                self._traces.counters["posts"] += 1
            case _:
                pass
        self._on_effect(event)

    def _on_interaction_end(self, interaction: Interaction, at: float) -> None:
        trace = self._traces.by_source.get(source_of_interaction(interaction.payload))
        if trace is None:
            return
        if interaction.failure:
            details = {"reason": interaction.failure}
            self._traces.advance(trace, "unanswered", at, details, DeliveryStage.UNANSWERED)
        elif trace.stage is DeliveryStage.AT_SLACK:
            stage = self._traces.stage_after_acknowledgement
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
        """Follows the edit of a person's message, in the trace of the message."""
        trace = self._traces.by_message.get((event["channel"], event["message"]["ts"]))
        if trace is not None and reaches_bot:
            self._traces.follow(trace, event["event_ts"])
            self._traces.advance(trace, "edited", at)

    def _on_delivery(self, trace: MessageTrace, delivery: DeliveryEvent) -> None:
        stage = None
        if isinstance(delivery, Acknowledged) and trace.stage is DeliveryStage.AT_SLACK:
            # The pack stores a message before it acknowledges it: a probe would have reported that already.
            stage = self._traces.stage_after_acknowledgement
        self._traces.advance(trace, _STEPS[type(delivery)], delivery.at, {"attempt": delivery.attempt}, stage)

    def _on_effect(self, event: SlackEvent) -> None:
        """Adds what the bot did, or tried to do, to the trace of the action that asked for it."""
        effect = _effect(event)
        if effect is None:
            return
        trace = self._traces.by_action.get(event.cause)
        if trace is not None:
            self._traces.advance(trace, effect.kind, event.at, effect.details)
        elif isinstance(event, Post):
            self._traces.keep_post(event.ts, event.at, effect.details)


class _Effect(NamedTuple):
    """What the bot did in Slack: the kind of its step, and the details."""

    kind: str
    details: JsonObject


def _effect(event: SlackEvent) -> _Effect | None:
    """Returns what people see of a request, or why Slack rejected it; None for everything else."""
    effect: _Effect | None = None
    match event:
        case Post(channel=channel, ts=ts, text=text, arguments=arguments):
            kind = "file_shared" if "files" in arguments else "reply_posted"
            effect = _Effect(kind, {"channel": channel, "ts": ts, "text": text})
        case EphemeralPost(channel=channel, ts=ts, text=text):
            effect = _Effect("ephemeral_posted", {"channel": channel, "ts": ts, "text": text})
        case EphemeralChanged(text=text, is_removed=is_removed):
            effect = _Effect("message_deleted" if is_removed else "message_updated", {"text": text})
        case ViewChanged(change=change) if change in _VIEW_CHANGES:
            effect = _Effect("view_changed", {"change": change})
        case EventRaised(event={"type": "message", "subtype": "message_changed", "message": message}):
            effect = _Effect("message_updated", {"text": visible_text(message)})
        case EventRaised(event={"type": "message", "subtype": "message_deleted"}):
            effect = _Effect("message_deleted", {})
        case EventRaised(event={"type": "reaction_added" | "reaction_removed" as kind, "reaction": reaction}):
            effect = _Effect(kind, {"reaction": reaction})
        case Call(method="chat.postMessage", error=error) if error:
            effect = _Effect("reply_rejected", {"error": error})
        case Call(method=method, error=error) if error:
            effect = _Effect("call_rejected", {"method": method, "error": error})
        case _:
            pass
    return effect
