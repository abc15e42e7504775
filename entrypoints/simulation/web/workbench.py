"""The workbench: publishes the state of both simulated servers to the feed, and owns flow editor and faults."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.event_log import EphemeralChanged, EphemeralPost, EventRaised, SlackEvent
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.activities import Activity, ActivityReader
from entrypoints.simulation.web.app_names import known_names
from entrypoints.simulation.web.fault_switches import FaultSwitches
from entrypoints.simulation.web.flow_editor import FlowEditor
from entrypoints.simulation.web.state_feed import StateFeed
from entrypoints.simulation.web.trace.flyte_tracer import FlyteTracer
from entrypoints.simulation.web.trace.slack_tracer import SlackTracer
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageKey, OutcomeKind
from entrypoints.simulation.web.trace.traces import MessageTraces
from entrypoints.simulation.web.views import (
    conversations_view,
    display_name,
    feed_key,
    home_view,
    message_key,
    message_view,
    modal_view,
    people_view,
)

MAX_MESSAGES: Final = 1_000
"""Number of messages in the feed, over all conversations."""
_DEBOUNCE_SECONDS: Final = 0.02
"""Delay before changes are published, so that simultaneous ones are published together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a workbench cannot tell from the servers."""

    flow_files: Collection[Path] = ()
    """The user's own files, in which flows can be saved."""
    known_packs: Callable[[], Packs] = Packs
    """Returns what the linter is to know of packs."""
    is_slack_only: bool = False
    """Whether the app is of any kind, and nothing comes from Flyte."""
    has_sockets: bool = True
    """Whether the app receives by sockets, and not by HTTP."""


ALONE: Final = Surroundings()


class Workbench:
    """Publishes both servers to one feed."""

    def __init__(
        self,
        slack: SlackServer,
        flyte: FlyteServer,
        surroundings: Surroundings = ALONE,
    ) -> None:
        self.slack: Final = slack
        self.flyte: Final = flyte
        self.feed: Final = StateFeed()
        self.flow_editor: Final = FlowEditor(flyte, surroundings.flow_files, surroundings.known_packs)
        self.faults: Final = FaultSwitches(
            slack, None if surroundings.is_slack_only else flyte, has_sockets=surroundings.has_sockets
        )
        self.traces: Final = MessageTraces(self._on_trace)
        self.activities: Final = ActivityReader(slack)
        self._tracer = SlackTracer(slack, self.traces)
        self._is_slack_only = surroundings.is_slack_only
        if self._is_slack_only:
            self.traces.stage_after_acknowledgement = DeliveryStage.ACKNOWLEDGED
        self._lines: dict[MessageKey, Activity] = {}
        self._published: deque[MessageKey] = deque()
        self._changed_messages: dict[MessageKey, None] = {}
        self._changed_traces: dict[MessageKey, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Publishes changes inside the `async with` block; switches all faults off at its end."""
        self._tracer.open()
        FlyteTracer(self.flyte, self.traces)
        self.slack.log.listeners.append(self._on_slack_event)
        self.flyte.listeners.append(lambda _: self._publish_soon())
        self._is_open = True
        self.publish()
        try:
            yield
        finally:
            self._is_open = False
            if self._timer is not None:
                self._timer.cancel()
            await self.faults.close()

    def publish(self) -> None:
        """Publishes everything that changed."""
        self._timer = None
        workspace, feed = self.slack.workspace, self.feed
        feed.publish("people", people_view(workspace))
        feed.publish("conversations", conversations_view(workspace))
        self._publish_messages()
        self._publish_traces()
        self._publish_flows()
        self._publish_views()
        feed.publish("app", known_names(self.flyte.flows.values()).as_json())
        feed.publish("faults", self.faults.as_json())
        feed.publish("summary", self._summary())

    def _publish_soon(self) -> None:
        if self._is_open and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DEBOUNCE_SECONDS, self.publish)

    def _on_slack_event(self, event: SlackEvent) -> None:
        match event:
            case EventRaised(event=fields) if (key := message_key(fields)) is not None:
                self._changed_messages[key] = None
            case EphemeralPost(channel=channel, ts=ts) | EphemeralChanged(channel=channel, ts=ts):
                self._changed_messages[channel, ts] = None
            case _:
                pass
        activity = self.activities.read(event)
        if activity is not None:
            self._lines[activity.key] = activity
            self._changed_messages[activity.key] = None
            self._tracer.start(activity, event.at)
        self._publish_soon()

    def _on_trace(self, key: MessageKey) -> None:
        self._changed_traces[key] = None
        self._publish_soon()

    def _publish_messages(self) -> None:
        changed, self._changed_messages = self._changed_messages, {}
        for key in changed:
            message = self._line_view(key) or message_view(self.slack.workspace, key)
            if message is None:
                self._remove(key)
                continue
            if feed_key("message", key) not in self.feed:
                self._published.append(key)
            self.feed.publish(feed_key("message", key), message)
        while len(self._published) > MAX_MESSAGES:
            self._remove(self._published.popleft())

    def _line_view(self, key: MessageKey) -> object | None:
        activity = self._lines.get(key)
        return None if activity is None else activity.as_json(display_name(self.slack.workspace, activity.user))

    def _publish_views(self) -> None:
        """Publishes the modal and the Home tab of each user."""
        views = self.slack.views
        for user_id in self.slack.workspace.users:
            shown = {"modal": modal_view(views.modals(user_id)), "home": home_view(views.home_of(user_id))}
            for kind, view in shown.items():
                if view is None:
                    self.feed.remove(f"{kind}/{user_id}")
                else:
                    self.feed.publish(f"{kind}/{user_id}", view)

    def _remove(self, key: MessageKey) -> None:
        self.traces.discard(key)
        self._lines.pop(key, None)
        self._changed_traces.pop(key, None)
        self.feed.remove(feed_key("message", key))
        self.feed.remove(feed_key("trace", key))

    def _publish_traces(self) -> None:
        changed, self._changed_traces = self._changed_traces, {}
        for key in changed:
            trace = self.traces.by_message.get(key)
            if trace is not None:
                self.feed.publish(feed_key("trace", key), trace.as_json())

    def _publish_flows(self) -> None:
        editor = self.flow_editor
        editor.refresh()
        for draft in editor.drafts.values():
            self.feed.publish(f"flow/{draft.id}", draft.as_json(is_running=editor.is_running(draft)))
        for key in self.feed.keys("flow/"):
            if key.removeprefix("flow/") not in editor.drafts:
                self.feed.remove(key)

    def _summary(self) -> object:
        stages, counters, traces = self.traces.stage_counts, self.traces.counters, self.traces.by_message.values()
        return {
            "is_slack_only": self._is_slack_only,
            "acknowledged": stages[DeliveryStage.ACKNOWLEDGED],
            "unanswered": stages[DeliveryStage.UNANSWERED],
            "delivered": stages[DeliveryStage.DELIVERED],
            "at_slack": stages[DeliveryStage.AT_SLACK],
            "in_pack": stages[DeliveryStage.IN_PACK],
            "dead_lettered": stages[DeliveryStage.DEAD_LETTERED],
            "not_for_pack": stages[DeliveryStage.BOT_ABSENT] + stages[DeliveryStage.IGNORED],
            "duplicates": counters["duplicates"],
            "pending_actions": len(self.flyte.unfinished()),
            "succeeded": counters["succeeded"],
            "failed": counters["failed"],
            "handled": counters["handled"],
            "not_answered": sum(one.outcome.kind is OutcomeKind.NOT_ANSWERED for one in traces),
            "posts": counters["posts"],
            "packs": sorted(pack.name for pack in self.flyte.packs.values()),
            "sockets": len(self.slack.connections),
        }
