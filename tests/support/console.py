"""A conversation within the test's own process: lines go in, and what is written comes out."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from io import StringIO

from entrypoints.simulation.console.formatter import Detail, Narrator
from entrypoints.simulation.console.output import PlainPaper
from entrypoints.simulation.console.repl import hear_line
from entrypoints.simulation.console.session import Conversation
from entrypoints.simulation.console.story import Story
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.environment import Stage
from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file, flow_from_text
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.sandbox import Play, loopback_stage, memory_stage

ECHO = flow_from_file(BUILT_IN / "echo.yaml")
STAGES = {"loopback": loopback_stage, "memory": memory_stage}


class Talk:
    """What somebody types, line by line."""

    def __init__(self, stage: Stage, detail: Detail) -> None:
        self.stage = stage
        self.written = StringIO()
        transcript = Transcript()
        narrator = Narrator(transcript, stage.flyte, detail)
        self.story = Story(narrator, PlainPaper(self.written))
        self.conversation = Conversation(stage, narrator, transcript, self.story)
        self.story.listen_to(stage)

    async def hear(self, *lines: str, patience_seconds: float = 10) -> str:
        """What is written until all that follows from these lines has happened. Raises MistakeError, Ended, Unrest."""
        self.written.seek(0)
        self.written.truncate()
        for line in lines:
            await hear_line(self.conversation, self.story, line, patience_seconds)
        return self.written.getvalue()


@asynccontextmanager
async def conversing(
    where: str = "memory",
    *,
    flows: Iterable[Flow] = (ECHO,),
    packs: Iterable[PackScript] = (),
    detail: Detail = Detail.OFF,
    labels: str = "",
) -> AsyncIterator[Talk]:
    """A conversation with these flows, on loopback or in memory."""
    async with STAGES[where](Play(flows=list(flows), packs=list(packs), labels=labels)) as stage:
        yield Talk(stage, detail)


def flow(text: str) -> Flow:
    """The flow that this YAML writes."""
    return flow_from_text(text, "test", is_json=False)
