"""Runs lines of input: each is posted or executed, and its effects are awaited before the next."""

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterator, Callable
from typing import Final

from entrypoints.simulation.console.commands import run_command
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, Posted, SessionEnded

_BLOCK_BYTES: Final = 65_536


class SettleTimeout(Exception):
    """The sandbox did not settle in time; the message says what is pending."""


async def run_line(session: ConsoleSession, line: str, settle_seconds: float) -> None:
    """Posts a line or runs its command; returns when the sandbox has settled and all its events are printed.

    Raises InvalidInput, SessionEnded, SettleTimeout.
    """
    try:
        posted = await begin_line(session, line)
        if pending := await session.sandbox.settle(settle_seconds):
            raise SettleTimeout(describe_pending(session, pending, settle_seconds))
        if posted is not None:
            session.explain_if_unreported(posted)
    finally:
        session.printer.flush()


async def begin_line(session: ConsoleSession, line: str) -> Posted | None:
    """Posts a line or runs its command, without waiting for what follows. Raises InvalidInput, SessionEnded."""
    text = line.strip("\r\n")
    if text.startswith("/") and not text.startswith("//"):
        run_command(session, text)
    elif text.strip():
        return await session.say(text.removeprefix("/") if text.startswith("//") else text)
    return None


def describe_pending(session: ConsoleSession, pending: str, seconds: float) -> str:
    """Returns the message that the sandbox has not settled within this time."""
    is_explained = session.sandbox.is_slack_only or session.sandbox.awaits_scripted_packs
    return f"still busy after {seconds:g} s: {pending}{'' if is_explained else ' (does a flow trigger itself?)'}"


async def run_lines(
    session: ConsoleSession, lines: AsyncIterator[str], settle_seconds: float, report_error: Callable[[str], None]
) -> bool:
    """Runs lines one after the other until the last or /quit. Returns False if there were none but blank ones.

    `report_error` gets each error with the number of its line, and what flows could not do for it.
    """
    number, had_text = 0, False
    for reason in session.failures.take():
        report_error(reason)
    async for line in lines:
        number += 1
        had_text = had_text or bool(line.strip())
        try:
            await run_line(session, line, settle_seconds)
        except (InvalidInput, SettleTimeout) as error:
            report_error(f"line {number}: {error}")
        except SessionEnded:
            break
        for reason in session.failures.take():
            report_error(f"line {number}: {reason}")
    return had_text


async def read_lines(descriptor: int) -> AsyncIterator[str]:
    """Yields the lines of a file, a pipe or a terminal as they arrive.

    A thread reads them, since the event loop can't wait for regular files; it reads the descriptor itself, so that
    it holds no lock of the interpreter's when it is left behind at the end.
    """
    loop = asyncio.get_running_loop()
    blocks: asyncio.Queue[bytes] = asyncio.Queue()
    may_read = threading.Semaphore(2)

    def read() -> None:
        while may_read.acquire():
            try:
                block = os.read(descriptor, _BLOCK_BYTES)
            except OSError:
                block = b""
            try:
                loop.call_soon_threadsafe(blocks.put_nowait, block)
            except RuntimeError:  # the loop is closed
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
