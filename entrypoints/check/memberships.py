"""Checks whether the bot is a member of the channels that the pack has joined."""

import asyncio
from pathlib import Path
from typing import Final

from adapters.filesystem import diagnostics
from adapters.slack.chat import SlackChat
from domain.channels import ChannelId
from domain.errors import ChatError, StorageError
from entrypoints.check.findings import Finding, failed, ok, problem, skipped, warning

MEMBERSHIPS: Final = "slack memberships"

_MAX_QUESTIONS: Final = 20
_MAX_SHOWN: Final = 5
_REMEDY: Final = "/invite the bot to them, or send LeaveChannel for each"


async def check_memberships(chat: SlackChat, directory: Path | None) -> Finding:
    """Compare the joined channels in the directory (None: there are none) with the bot's channels in Slack."""
    joined = await asyncio.to_thread(_joined, directory)
    if not joined:
        return ok(MEMBERSHIPS, "no channel is joined yet")
    try:
        members = await chat.memberships()
    except ChatError as error:
        return skipped(MEMBERSHIPS, problem(error))
    missing = [channel_id for channel_id in joined if channel_id not in members]
    if len(missing) <= _MAX_QUESTIONS:  # the list may omit a channel that a single question would show
        confirmed = await asyncio.gather(*(_is_member(chat, channel_id) for channel_id in missing))
        missing = [channel_id for channel_id, is_member in zip(missing, confirmed, strict=True) if not is_member]
    if not missing:
        return ok(MEMBERSHIPS, f"the bot is a member of all {len(joined)} joined channels")
    return await asyncio.to_thread(_assess_missing, missing, len(joined), directory)


def _assess_missing(missing: list[ChannelId], of: int, directory: Path | None) -> Finding:
    shown = ", ".join(missing[:_MAX_SHOWN]) + (", ..." if len(missing) > _MAX_SHOWN else "")
    message = f"{len(missing)} of {of} joined channels are not heard, because the bot is not a member: {shown}"
    if _is_in_use(directory):
        return failed(MEMBERSHIPS, message, _REMEDY)
    return warning(MEMBERSHIPS, f"{message}; the pack leaves them at startup", _REMEDY)


async def _is_member(chat: SlackChat, channel_id: ChannelId) -> bool:
    try:
        return await chat.is_member(channel_id)
    except ChatError:
        return False


def _joined(directory: Path | None) -> tuple[ChannelId, ...]:
    """Returns no channel if the file is unreadable, which another check reports."""
    try:
        return () if directory is None else diagnostics.joined_channels(directory)
    except (ValueError, OSError):
        return ()


def _is_in_use(directory: Path | None) -> bool:
    try:
        return directory is not None and diagnostics.holder(directory) is not None
    except StorageError:
        return False
