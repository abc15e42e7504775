"""Switches for faults: each is thrown at one of the two ends, and stays until it is switched off."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from entrypoints.simulation.faults import ANY, Fault, FaultPlan, Hang, Slow
from entrypoints.simulation.flyte import faults as flyte_faults
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import faults as slack_faults
from entrypoints.simulation.slack.server import SlackServer

SLOW_SECONDS: Final = 2.0
_RETRY_AFTER_SECONDS: Final = 1
_POST: Final = "chat.postMessage"
_FLYTE_ROUTES: Final = ("api", "register", "event", "take", "result", "audit")


class UnknownFault(LookupError):
    """There is no switch of that name."""


@dataclass(frozen=True, slots=True)
class FaultSwitch:
    """A fault: at which end, what it does in the words of the page, and how it is thrown and taken back."""

    end: str
    title: str
    effect: str
    fault: Callable[[], AbstractAsyncContextManager[None]]


class FaultSwitches:
    """The switches by name; to be closed in the end."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer) -> None:
        self.all: Final[Mapping[str, FaultSwitch]] = _slack_switches(slack) | _flyte_switches(flyte)
        self._on: dict[str, AsyncExitStack] = {}

    async def close(self) -> None:
        """Take all faults back."""
        for name in list(self._on):
            await self.set(name, on=False)

    def is_on(self, name: str) -> bool:
        """Whether a fault is thrown."""
        return name in self._on

    async def set(self, name: str, *, on: bool) -> None:
        """Throw a fault, or take it back; no effect when that is so already. Raises NoSuchSwitchError."""
        if name not in self.all:
            raise UnknownFault(f"there is no fault called {name}")
        if on and name not in self._on:
            fault = self._on[name] = AsyncExitStack()
            await fault.enter_async_context(self.all[name].fault())
        elif not on and name in self._on:
            await self._on.pop(name).aclose()

    def as_json(self) -> object:
        """All switches as they are now."""
        return [
            {"name": name, "end": switch.end, "title": switch.title, "effect": switch.effect, "on": self.is_on(name)}
            for name, switch in self.all.items()
        ]


def _slack_switches(slack: SlackServer) -> dict[str, FaultSwitch]:
    planned = partial(_planned, slack.faults)
    limited, broken = slack_faults.rate_limited(_RETRY_AFTER_SECONDS), slack_faults.http_status(500)
    return {
        "slack-429": FaultSwitch(
            "Slack", "Rate limited", "Posts are answered 429.", partial(planned, [_POST], limited)
        ),
        "slack-500": FaultSwitch("Slack", "Errors", "Every call is answered 500.", partial(planned, [ANY], broken)),
        "slack-no-answer": FaultSwitch(
            "Slack",
            "Posts, no answer",
            "Messages are posted, but the answer never comes.",
            partial(planned, [_POST], Hang(after_effect=True)),
        ),
        "slack-drop": FaultSwitch(
            "Slack", "Sockets broken", "Open sockets break, new ones are refused.", partial(_without_sockets, slack)
        ),
        "slack-silence": FaultSwitch(
            "Slack", "Sockets silent", "Sockets stay open, and nothing comes through.", partial(_silent, slack)
        ),
    }


def _flyte_switches(flyte: FlyteServer) -> dict[str, FaultSwitch]:
    planned = partial(_planned, flyte.faults, _FLYTE_ROUTES)
    slow = Slow(SLOW_SECONDS)
    return {
        "flyte-down": FaultSwitch("Flyte", "Down", "Connections are refused.", partial(_down, flyte)),
        "flyte-500": FaultSwitch(
            "Flyte", "Errors", "Every request is answered 500.", partial(planned, flyte_faults.status(500))
        ),
        "flyte-slow": FaultSwitch("Flyte", "Slow", f"Every answer takes {SLOW_SECONDS:g} s.", partial(planned, slow)),
    }


@asynccontextmanager
async def _planned(faults: FaultPlan, targets: Iterable[str], fault: Fault) -> AsyncIterator[None]:
    planned = [faults.plan(target, fault, times=None) for target in targets]
    try:
        yield
    finally:
        for one in planned:
            faults.remove(one)


@asynccontextmanager
async def _without_sockets(slack: SlackServer) -> AsyncIterator[None]:
    async with _planned(slack.faults, [slack_faults.HANDSHAKE], slack_faults.http_status(503)):
        slack.drop_sockets()
        yield


@asynccontextmanager
async def _silent(slack: SlackServer) -> AsyncIterator[None]:
    async with _planned(slack.faults, [slack_faults.HELLO], Hang()):
        slack.silence_sockets()
        yield
    for socket in slack.connections:
        if socket.is_silent or not socket.is_ready:
            socket.drop()  # it would stay dead until the other end gives it up


@asynccontextmanager
async def _down(flyte: FlyteServer) -> AsyncIterator[None]:
    await flyte.go_down()
    try:
        yield
    finally:
        await flyte.come_up()
