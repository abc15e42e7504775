"""Post a text into every joined channel."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from application.ports.storage import Storage
from application.resilience.shutdown import ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.message_sender import MessageSender, text_too_long
from domain.actions import ActionId, Step
from domain.channels import ChannelId
from domain.commands import Broadcast as Command
from domain.errors import ChatError, ChatRejected
from domain.events import BroadcastFailed, BroadcastSent, ChannelFailure
from domain.messages import OutgoingMessage

log = structlog.get_logger()


@dataclass(slots=True)
class _Progress:
    """One broadcast under way."""

    action_id: ActionId
    text: str
    steps: dict[ChannelId, Step] = field(default_factory=dict)
    was_stopped: bool = False


class Broadcast:
    """The command `Broadcast`."""

    def __init__(self, posting: MessageSender, storage: Storage, keep: Safekeeping) -> None:
        self._posting = posting
        self._channels = storage.channels
        self._journal = storage.journal
        self._keep = keep

    async def __call__(
        self, action_id: ActionId, command: Command, steps: Mapping[ChannelId, Step]
    ) -> BroadcastSent | BroadcastFailed:
        """Carry it out, or go on where an earlier run stopped: `steps` is what that one noted."""
        if missing := command.missing():
            return BroadcastFailed(command.message, missing)
        steps = dict(steps) or await self._plan(action_id)
        if too_long := text_too_long(command.message):
            return _refused_everywhere(command.message, steps, too_long)
        progress = _Progress(action_id, command.message, steps)
        async with asyncio.TaskGroup() as channels:
            for channel_id in progress.steps:
                channels.create_task(self._serve(progress, channel_id), name=f"broadcast to {channel_id}")
        if progress.was_stopped:
            raise ShutdownRequested
        return _outcome(command.message, progress.steps)

    async def _plan(self, action_id: ActionId) -> dict[ChannelId, Step]:
        joined = await self._keep(self._channels.joined)
        await self._keep(lambda: self._journal.plan_steps(action_id, joined.ids))
        return dict.fromkeys(joined.ids, Step())

    async def _serve(self, progress: _Progress, channel_id: ChannelId) -> None:
        step = progress.steps[channel_id]
        if step.is_complete:
            return
        try:
            settled = await self._post(progress, channel_id, step)
            await self._keep(lambda: self._journal.complete_step(progress.action_id, channel_id, settled))
        except ShutdownRequested:
            progress.was_stopped = True
            return
        progress.steps[channel_id] = settled
        left = sum(not other.is_complete for other in progress.steps.values())
        log.debug("broadcast_progress", action=progress.action_id, left=left, of=len(progress.steps))

    async def _post(self, progress: _Progress, channel_id: ChannelId, step: Step) -> Step:
        try:
            receipt = await self._posting.send(progress.action_id, OutgoingMessage(channel_id, progress.text), step)
        except ChatError as error:
            return Step(step.begun_at, error=str(error))
        return Step(step.begun_at, receipt)


def _refused_everywhere(message: str, channel_ids: Iterable[ChannelId], refusal: ChatRejected) -> BroadcastFailed:
    failures = tuple(ChannelFailure(channel_id, str(refusal)) for channel_id in channel_ids)
    return BroadcastFailed(message, f"{refusal}{_named(failures)}", failures=failures)


def _named(failures: Sequence[ChannelFailure]) -> str:
    named = ", ".join(f"{failure.channel_id}: {failure.error.partition(':')[0]}" for failure in failures)
    return f" ({named})" if named else ""


def _outcome(message: str, steps: Mapping[ChannelId, Step]) -> BroadcastSent | BroadcastFailed:
    served = tuple(channel_id for channel_id, step in steps.items() if step.receipt)
    failures = tuple(ChannelFailure(channel_id, step.error) for channel_id, step in steps.items() if not step.receipt)
    if not failures:
        return BroadcastSent(message, served, any(step.receipt and step.receipt.in_doubt for step in steps.values()))
    error = f"not sent to {len(failures)} of {len(steps)} channels{_named(failures)}"
    return BroadcastFailed(message, error, served, failures)
