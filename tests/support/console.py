"""A console session in the test's own process: lines go in, and the output comes back."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from io import StringIO

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.output import PlainOutput
from entrypoints.simulation.console.repl import run_line
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file, flow_from_text
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox, memory_sandbox
from entrypoints.simulation.workspaces.channels import DEFAULT_CHANNELS, ChannelSetup

ECHO = flow_from_file(BUILT_IN / "echo.yaml")
SANDBOXES = {"loopback": loopback_sandbox, "memory": memory_sandbox}


class ConsoleDriver:
    """Types lines into a console session and returns the output."""

    def __init__(self, sandbox: Sandbox, detail: Detail) -> None:
        self.sandbox = sandbox
        self.written = StringIO()
        self.session = ConsoleSession(sandbox, PlainOutput(self.written), detail)

    async def run(self, *lines: str, settle_seconds: float = 10) -> str:
        """Returns the output of these lines. Raises InvalidInput, SessionEnded, SettleTimeout."""
        self.written.seek(0)
        self.written.truncate()
        for line in lines:
            await run_line(self.session, line, settle_seconds)
        return self.written.getvalue()


@asynccontextmanager
async def open_console(
    where: str = "memory",
    *,
    flows: Iterable[Flow] = (ECHO,),
    packs: Iterable[PackScript] = (),
    detail: Detail = Detail.OFF,
    settings: Mapping[str, str] | None = None,
    channels: Sequence[ChannelSetup] = DEFAULT_CHANNELS,
    page_port: int | None = None,
) -> AsyncIterator[ConsoleDriver]:
    """Starts a sandbox with these flows, on loopback or in memory, and a session in it."""
    config = SandboxConfig(
        flows=list(flows), packs=list(packs), settings=settings or {}, channels=channels, page_port=page_port
    )
    async with SANDBOXES[where](config) as sandbox:
        yield ConsoleDriver(sandbox, detail)


def flow(text: str) -> Flow:
    """Returns the flow in a YAML text."""
    return flow_from_text(text, "test", is_json=False)
