"""A conversation within the test's own process: lines go in, and what is written comes out."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from io import StringIO

from entrypoints.simulation.console.formatter import Detail, EventFormatter
from entrypoints.simulation.console.output import PlainOutput
from entrypoints.simulation.console.repl import run_line
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.console.story import EventPrinter
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file, flow_from_text
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox, memory_sandbox

ECHO = flow_from_file(BUILT_IN / "echo.yaml")
STAGES = {"loopback": loopback_sandbox, "memory": memory_sandbox}


class ConsoleDriver:
    """What somebody types, line by line."""

    def __init__(self, stage: Sandbox, detail: Detail) -> None:
        self.sandbox = stage
        self.written = StringIO()
        transcript = Transcript()
        narrator = EventFormatter(transcript, stage.flyte, detail)
        self.printer = EventPrinter(narrator, PlainOutput(self.written))
        self.session = ConsoleSession(stage, narrator, transcript, self.printer)
        self.printer.subscribe(stage)

    async def run(self, *lines: str, settle_seconds: float = 10) -> str:
        """What is written until all that follows from these lines has happened. Raises MistakeError, Ended, Unrest."""
        self.written.seek(0)
        self.written.truncate()
        for line in lines:
            await run_line(self.session, self.printer, line, settle_seconds)
        return self.written.getvalue()


@asynccontextmanager
async def open_console(
    where: str = "memory",
    *,
    flows: Iterable[Flow] = (ECHO,),
    packs: Iterable[PackScript] = (),
    detail: Detail = Detail.OFF,
    labels: str = "",
) -> AsyncIterator[ConsoleDriver]:
    """A conversation with these flows, on loopback or in memory."""
    async with STAGES[where](SandboxConfig(flows=list(flows), packs=list(packs), labels=labels)) as stage:
        yield ConsoleDriver(stage, detail)


def flow(text: str) -> Flow:
    """The flow that this YAML writes."""
    return flow_from_text(text, "test", is_json=False)
