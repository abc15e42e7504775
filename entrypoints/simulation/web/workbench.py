"""The workbench: keeps the board up to date with both ends, and does what people ask for."""

import asyncio
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.event_log import EventRaised, SlackEvent
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.fault_switches import FaultSwitches
from entrypoints.simulation.web.flow_editor import FlowEditor
from entrypoints.simulation.web.state_feed import StateFeed
from entrypoints.simulation.web.trace.flyte_tracer import FlyteTracer
from entrypoints.simulation.web.trace.pending_actions import PendingActions
from entrypoints.simulation.web.trace.slack_tracer import SlackTracer
from entrypoints.simulation.web.trace.trace import DeliveryStage, MessageKey
from entrypoints.simulation.web.trace.traces import MessageTraces
from entrypoints.simulation.web.views import conversations_view, feed_key, message_key, message_view, people_view

MAX_MESSAGES: Final = 1_000
"""How many messages the board shows, of all rooms together."""
_GATHERING_SECONDS: Final = 0.02
"""How long changes are gathered before they are written on the board: what happens together is shown together."""


class Workbench:
    """Both ends on one board. Opened by `async with`; closing it switches all faults off."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, flow_files: Iterable[Path] = ()) -> None:
        self.slack: Final = slack
        self.flyte: Final = flyte
        self.feed: Final = StateFeed()
        self.flow_editor: Final = FlowEditor(flyte, flow_files)
        self.faults: Final = FaultSwitches(slack, flyte)
        self.traces: Final = MessageTraces(self._note_way)
        self._shown: deque[MessageKey] = deque()
        self._stale_messages: dict[MessageKey, None] = {}
        self._stale_ways: dict[MessageKey, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False

    async def __aenter__(self) -> Self:
        in_hand = PendingActions()
        SlackTracer(self.slack, self.traces, in_hand)
        FlyteTracer(self.flyte, self.traces, in_hand)
        self.slack.log.listeners.append(self._note_event)
        self.flyte.listeners.append(lambda _: self.note_change())
        self._is_open = True
        self.publish()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        await self.faults.close()

    def note_change(self) -> None:
        """Something changed: write it on the board in a moment."""
        if self._is_open and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHERING_SECONDS, self.publish)

    def publish(self) -> None:
        """Write on the board what changed."""
        self._timer = None
        world, board = self.slack.workspace, self.feed
        board.publish("people", people_view(world))
        board.publish("rooms", conversations_view(world))
        self._show_messages()
        self._show_ways()
        self._show_flows()
        board.publish("faults", self.faults.as_json())
        board.publish("ledger", self._ledger())

    def _note_event(self, event: SlackEvent) -> None:
        if isinstance(event, EventRaised):
            key = message_key(event.event)
            if key is not None:
                self._stale_messages[key] = None
        self.note_change()

    def _note_way(self, key: MessageKey) -> None:
        self._stale_ways[key] = None
        self.note_change()

    def _show_messages(self) -> None:
        stale, self._stale_messages = self._stale_messages, {}
        for key in stale:
            card = message_view(self.slack.workspace, key)
            if card is None:
                self._hide(key)
                continue
            if feed_key("message", key) not in self.feed:
                self._shown.append(key)
            self.feed.publish(feed_key("message", key), card)
        while len(self._shown) > MAX_MESSAGES:
            self._hide(self._shown.popleft())

    def _hide(self, key: MessageKey) -> None:
        self.traces.discard(key)
        self._stale_ways.pop(key, None)
        self.feed.remove(feed_key("message", key))
        self.feed.remove(feed_key("way", key))

    def _show_ways(self) -> None:
        stale, self._stale_ways = self._stale_ways, {}
        for key in stale:
            way = self.traces.by_message.get(key)
            if way is not None:
                self.feed.publish(feed_key("way", key), way.as_json())

    def _show_flows(self) -> None:
        self.flow_editor.refresh()
        for sheet in self.flow_editor.drafts.values():
            self.feed.publish(f"flow/{sheet.id}", sheet.as_json(is_running=self.flow_editor.is_running(sheet)))
        for name in self.feed.keys("flow/"):
            if name.removeprefix("flow/") not in self.flow_editor.drafts:
                self.feed.remove(name)

    def _ledger(self) -> object:
        stages, tally = self.traces.stage_counts, self.traces.counters
        actions = self.flyte.unfinished()
        return {
            "delivered": stages[DeliveryStage.DELIVERED],
            "at_slack": stages[DeliveryStage.AT_SLACK],
            "in_pack": stages[DeliveryStage.IN_PACK],
            "set_aside": stages[DeliveryStage.DEAD_LETTERED],
            "not_for_pack": stages[DeliveryStage.BOT_ABSENT] + stages[DeliveryStage.IGNORED],
            "delivered_again": tally["delivered_again"],
            "open_actions": len(actions),
            "answered": tally["answered"],
            "failed": tally["failed"],
            "posts": tally["posts"],
            "packs": sorted(pack.name for pack in self.flyte.packs.values()),
            "sockets": len(self.slack.connections),
        }
