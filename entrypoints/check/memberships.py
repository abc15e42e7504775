"""Checks whether the bot is a member of the channels that the pack has joined."""

import asyncio
from typing import Final

from adapters.slack.chat import SlackChat
from domain.channels import ChannelId
from domain.errors import ChatError
from entrypoints.check.findings import Finding, failed, ok, problem, skipped, warning
from entrypoints.check.storage_place import StoragePlace

MEMBERSHIPS: Final = "slack memberships"

_MAX_QUESTIONS: Final = 20
_MAX_SHOWN: Final = 5
_REMEDY: Final = "/invite the bot to them, or send LeaveChannel for each"


async def check_memberships(chat: SlackChat, storage: StoragePlace) -> Finding:
    """Compares the joined channels in the storage with the bot's channels in Slack."""
    joined = storage.joined
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
    return _assess_missing(missing, storage)


def _assess_missing(missing: list[ChannelId], storage: StoragePlace) -> Finding:
    shown = ", ".join(missing[:_MAX_SHOWN]) + (", ..." if len(missing) > _MAX_SHOWN else "")
    count = f"{len(missing)} of {len(storage.joined)}"
    message = f"{count} joined channels are not heard, because the bot is not a member: {shown}"
    if storage.is_in_use:
        return failed(MEMBERSHIPS, message, _REMEDY)
    return warning(MEMBERSHIPS, f"{message}; the pack leaves them at startup", _REMEDY)


async def _is_member(chat: SlackChat, channel_id: ChannelId) -> bool:
    try:
        return await chat.is_member(channel_id)
    except ChatError:
        return False
