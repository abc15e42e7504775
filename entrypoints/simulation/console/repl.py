"""Talking: each line that comes in is said or carried out, and what follows from it is awaited."""

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator, Callable
from typing import Final

from entrypoints.simulation.console.commands import run_command
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, SessionEnded
from entrypoints.simulation.console.story import EventPrinter

_BLOCK: Final = 65_536
_LONGEST_LINE: Final = 1_000_000


class SettleTimeout(Exception):
    """The conversation did not come to rest in time; the message says what is waited for."""


async def run_line(conversation: ConsoleSession, story: EventPrinter, line: str, settle_seconds: float) -> None:
    """Say a line or carry it out, and return when all that follows from it has happened, and was told.

    Raises MistakeError, Ended, Unrest.
    """
    try:
        await _hear(conversation, line.strip("\r\n"), settle_seconds)
    finally:
        story.flush()


async def _hear(conversation: ConsoleSession, text: str, patience_seconds: float) -> None:
    said = None
    if text.startswith("/") and not text.startswith("//"):
        run_command(conversation, text)
    elif text.strip():
        said = conversation.say(text.removeprefix("/") if text.startswith("//") else text)
        await conversation.wait_until_reported(said)
    waited_for = await conversation.sandbox.settle(patience_seconds)
    if waited_for:
        raise SettleTimeout(f"no end after {patience_seconds:g} s: {waited_for} (does a flow answer itself?)")
    if said:
        conversation.explain_if_unreported(said)


async def run_lines(
    conversation: ConsoleSession,
    story: EventPrinter,
    lines: AsyncIterator[str],
    settle_seconds: float,
    report_error: Callable[[str], None],
) -> None:
    """Hear lines one after the other, until the last or /quit; `complain` is told what is wrong with one."""
    number = 0
    async for line in lines:
        number += 1
        try:
            await run_line(conversation, story, line, settle_seconds)
        except (InvalidInput, SettleTimeout) as mistake:
            report_error(f"line {number}: {mistake}")
        except SessionEnded:
            return


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """The lines that come from a file, a pipe or a terminal, as they come.

    Read by a thread, since not all of these can be waited for; of the descriptor itself, so that the thread holds no
    lock of the interpreter's when it is left behind at the end.
    """
    loop = asyncio.get_running_loop()
    blocks: asyncio.Queue[bytes] = asyncio.Queue()
    may_read = threading.Semaphore(2)

    def read() -> None:
        while may_read.acquire():
            try:
                block = os.read(descriptor, _BLOCK)
            except OSError:
                block = b""
            try:
                loop.call_soon_threadsafe(blocks.put_nowait, block)
            except RuntimeError:  # the loop is closed: nobody listens any more
                return
            if not block:
                return

    threading.Thread(target=read, name="read lines", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while block := await blocks.get():
        may_read.release()
        *lines, rest = (rest + decoder.decode(block)).split("\n")
        for line in lines:
            yield line
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
