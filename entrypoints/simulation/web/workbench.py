"""The workbench: keeps the board up to date with both ends, and does what people ask for."""

import asyncio
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.event_log import Happening
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.fault_switches import Switches
from entrypoints.simulation.web.flow_editor import FlowDesk
from entrypoints.simulation.web.state_feed import Board
from entrypoints.simulation.web.trace.flyte_tracer import FlyteSide
from entrypoints.simulation.web.trace.pending_actions import ActionsInHand
from entrypoints.simulation.web.trace.slack_tracer import SlackSide
from entrypoints.simulation.web.trace.trace import MessageKey, Stage
from entrypoints.simulation.web.trace.traces import Ways
from entrypoints.simulation.web.views import card_name, message_card, message_key, people_card, rooms_card

KEPT_MESSAGES: Final = 1_000
"""How many messages the board shows, of all rooms together."""
_GATHERING_SECONDS: Final = 0.02
"""How long changes are gathered before they are written on the board: what happens together is shown together."""


class Workbench:
    """Both ends on one board. Opened by `async with`; closing it switches all faults off."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, flow_files: Iterable[Path] = ()) -> None:
        self.slack: Final = slack
        self.flyte: Final = flyte
        self.board: Final = Board()
        self.desk: Final = FlowDesk(flyte, flow_files)
        self.switches: Final = Switches(slack, flyte)
        self.ways: Final = Ways(self._note_way)
        self._shown: deque[MessageKey] = deque()
        self._stale_messages: dict[MessageKey, None] = {}
        self._stale_ways: dict[MessageKey, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False

    async def __aenter__(self) -> Self:
        in_hand = ActionsInHand()
        SlackSide(self.slack, self.ways, in_hand)
        FlyteSide(self.flyte, self.ways, in_hand)
        self.slack.log.listeners.append(self._note_event)
        self.flyte.listeners.append(lambda _: self.note_change())
        self._is_open = True
        self.bring_up_to_date()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        await self.switches.close()

    def note_change(self) -> None:
        """Something changed: write it on the board in a moment."""
        if self._is_open and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_GATHERING_SECONDS, self.bring_up_to_date)

    def bring_up_to_date(self) -> None:
        """Write on the board what changed."""
        self._timer = None
        world, board = self.slack.workspace, self.board
        board.put("people", people_card(world))
        board.put("rooms", rooms_card(world))
        self._show_messages()
        self._show_ways()
        self._show_flows()
        board.put("faults", self.switches.as_json())
        board.put("ledger", self._ledger())

    def _note_event(self, happening: Happening) -> None:
        if happening.kind == "event":
            key = message_key(happening.details["event"])
            if key is not None:
                self._stale_messages[key] = None
        self.note_change()

    def _note_way(self, key: MessageKey) -> None:
        self._stale_ways[key] = None
        self.note_change()

    def _show_messages(self) -> None:
        stale, self._stale_messages = self._stale_messages, {}
        for key in stale:
            card = message_card(self.slack.workspace, key)
            if card is None:
                self._hide(key)
                continue
            if card_name("message", key) not in self.board:
                self._shown.append(key)
            self.board.put(card_name("message", key), card)
        while len(self._shown) > KEPT_MESSAGES:
            self._hide(self._shown.popleft())

    def _hide(self, key: MessageKey) -> None:
        self.ways.forget(key)
        self._stale_ways.pop(key, None)
        self.board.remove(card_name("message", key))
        self.board.remove(card_name("way", key))

    def _show_ways(self) -> None:
        stale, self._stale_ways = self._stale_ways, {}
        for key in stale:
            way = self.ways.by_message.get(key)
            if way is not None:
                self.board.put(card_name("way", key), way.as_json())

    def _show_flows(self) -> None:
        self.desk.lay_out()
        for sheet in self.desk.sheets.values():
            self.board.put(f"flow/{sheet.id}", sheet.as_json(is_running=self.desk.is_running(sheet)))
        for name in self.board.names("flow/"):
            if name.removeprefix("flow/") not in self.desk.sheets:
                self.board.remove(name)

    def _ledger(self) -> object:
        stages, tally = self.ways.stages, self.ways.tally
        actions = self.flyte.unanswered()
        return {
            "delivered": stages[Stage.DELIVERED],
            "at_slack": stages[Stage.AT_SLACK],
            "in_pack": stages[Stage.IN_PACK],
            "set_aside": stages[Stage.SET_ASIDE],
            "not_for_pack": stages[Stage.UNHEARD] + stages[Stage.IGNORED],
            "delivered_again": tally["delivered_again"],
            "open_actions": len(actions),
            "answered": tally["answered"],
            "failed": tally["failed"],
            "posts": tally["posts"],
            "packs": sorted(pack.name for pack in self.flyte.packs.values()),
            "sockets": len(self.slack.connections),
        }
