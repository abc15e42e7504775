"""Switches for faults of the simulated servers; a fault lasts until it is switched off."""

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
    """There is no fault with that name."""


@dataclass(frozen=True, slots=True)
class FaultSwitch:
    """A fault: the server that has it, its texts on the page, and a context manager that injects it."""

    server: str
    title: str
    effect: str
    inject: Callable[[], AbstractAsyncContextManager[None]]


class FaultSwitches:
    """The switches by name, without those of sockets and of Flyte if there are none. Call `close` at the end."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer | None, *, has_sockets: bool = True) -> None:
        self.all: Final[Mapping[str, FaultSwitch]] = (
            _slack_switches(slack)
            | (_socket_switches(slack) if has_sockets else {})
            | (_flyte_switches(flyte) if flyte else {})
        )
        self._active: dict[str, AsyncExitStack] = {}

    async def close(self) -> None:
        """Switches all faults off."""
        for name in list(self._active):
            await self.set(name, on=False)

    async def set(self, name: str, *, on: bool) -> None:
        """Switches a fault on or off, unless it is so already. Raises UnknownFault."""
        if name not in self.all:
            raise UnknownFault(f"there is no fault {name}")
        if on and name not in self._active:
            fault = self._active[name] = AsyncExitStack()
            await fault.enter_async_context(self.all[name].inject())
        elif not on and name in self._active:
            await self._active.pop(name).aclose()

    def as_json(self) -> object:
        """Returns the state of all switches."""
        return [
            {
                "name": name,
                "server": switch.server,
                "title": switch.title,
                "effect": switch.effect,
                "on": name in self._active,
            }
            for name, switch in self.all.items()
        ]


def _slack_switches(slack: SlackServer) -> dict[str, FaultSwitch]:
    switch = partial(FaultSwitch, "Slack")
    limited = partial(_planned, slack.faults, [_POST], slack_faults.rate_limited(_RETRY_AFTER_SECONDS))
    failing = partial(_planned, slack.faults, [ANY], slack_faults.http_status(500))
    hanging = partial(_planned, slack.faults, [_POST], Hang(after_effect=True))
    return {
        "slack-429": switch("Rate limited", "Posts are answered with 429.", limited),
        "slack-500": switch("Errors", "Every call is answered with 500.", failing),
        "slack-no-answer": switch("Posts time out", "Messages are posted, but the response never comes.", hanging),
    }


def _socket_switches(slack: SlackServer) -> dict[str, FaultSwitch]:
    switch = partial(FaultSwitch, "Slack")
    return {
        "slack-drop": switch(
            "Sockets broken", "Sockets break, and new ones are refused.", partial(_drop_sockets, slack)
        ),
        "slack-silence": switch(
            "Sockets silent", "Sockets stay open but deliver nothing.", partial(_silence_sockets, slack)
        ),
    }


def _flyte_switches(flyte: FlyteServer) -> dict[str, FaultSwitch]:
    switch = partial(FaultSwitch, "Flyte")
    failing = partial(_planned, flyte.faults, _FLYTE_ROUTES, flyte_faults.status(500))
    slow = partial(_planned, flyte.faults, _FLYTE_ROUTES, Slow(SLOW_SECONDS))
    return {
        "flyte-down": switch("Down", "Connections are refused.", partial(_down, flyte)),
        "flyte-500": switch("Errors", "Every request is answered with 500.", failing),
        "flyte-slow": switch("Slow", f"Every response takes {SLOW_SECONDS:g} s.", slow),
    }


@asynccontextmanager
async def _planned(faults: FaultPlan, targets: Iterable[str], fault: Fault) -> AsyncIterator[None]:
    planned = [faults.plan(target, fault, times=None) for target in targets]
    try:
        yield
    finally:
        for planned_fault in planned:
            faults.remove(planned_fault)


@asynccontextmanager
async def _drop_sockets(slack: SlackServer) -> AsyncIterator[None]:
    async with _planned(slack.faults, [slack_faults.HANDSHAKE], slack_faults.http_status(503)):
        slack.drop_sockets()
        yield


@asynccontextmanager
async def _silence_sockets(slack: SlackServer) -> AsyncIterator[None]:
    async with _planned(slack.faults, [slack_faults.HELLO], Hang()):
        slack.silence_sockets()
        yield
    for socket in slack.connections:
        if socket.is_silent or not socket.is_ready:
            socket.drop()  # it would stay silent until the pack gives it up


@asynccontextmanager
async def _down(flyte: FlyteServer) -> AsyncIterator[None]:
    await flyte.go_down()
    try:
        yield
    finally:
        await flyte.come_up()
