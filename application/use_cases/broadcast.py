"""Broadcast: posts a text into every joined channel."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.shutdown import ShutdownRequested
from application.services.message_sender import MessageSender, post_step
from application.use_cases.command_handler import CommandRequest
from domain.actions import ActionId, Step, StepName
from domain.channels import NO_CHANNEL, ChannelId
from domain.commands import Broadcast
from domain.errors import ChatRejected, LeaseLost
from domain.events import BroadcastFailed, BroadcastSent, ChannelFailure
from domain.messages import OutgoingMessage, Receipt

log = structlog.get_logger()


@dataclass(slots=True)
class _Progress:
    """A broadcast in progress."""

    request: CommandRequest[Broadcast]
    steps: dict[StepName, Step]
    interruption: ShutdownRequested | LeaseLost | None = None


class BroadcastHandler:
    """Executes Broadcast in all channels at once, each at its own rate."""

    def __init__(self, chat: Chat, sender: MessageSender, storage: Storage) -> None:
        self._chat = chat
        self._sender = sender
        self._channels = storage.channels
        self._journal = storage.journal

    async def execute(self, request: CommandRequest[Broadcast]) -> BroadcastSent | BroadcastFailed:
        """Implements CommandHandler."""
        text = request.command.message
        if missing := request.command.missing():
            return BroadcastFailed(text, missing)
        steps = dict(request.steps) or await self._plan(request.action_id)
        try:
            self._chat.validate(OutgoingMessage(NO_CHANNEL, text))
        except ChatRejected as rejection:
            return _rejected_everywhere(text, steps, rejection)
        progress = _Progress(request, steps)
        async with asyncio.TaskGroup() as posts:
            for name in progress.steps:
                posts.create_task(self._post(progress, name), name=f"broadcast to {name}")
        if progress.interruption is not None:
            raise progress.interruption
        return _outcome(text, progress.steps)

    async def _plan(self, action_id: ActionId) -> dict[StepName, Step]:
        joined = await self._channels.joined()
        names = [post_step(channel_id) for channel_id in joined.ids]
        await self._journal.plan_steps(action_id, names)
        return dict.fromkeys(names, Step())

    async def _post(self, progress: _Progress, name: StepName) -> None:
        if progress.steps[name].is_complete:
            return
        message = OutgoingMessage(ChannelId(name), progress.request.command.message)
        try:
            progress.steps[name] = await self._sender.send_step(progress.request, message)
        except (ShutdownRequested, LeaseLost) as interruption:
            progress.interruption = interruption
            return
        left = sum(not step.is_complete for step in progress.steps.values())
        log.debug("broadcast_progress", left=left, of=len(progress.steps))


def _rejected_everywhere(text: str, names: Iterable[StepName], rejection: ChatRejected) -> BroadcastFailed:
    failures = tuple(ChannelFailure(ChannelId(name), str(rejection)) for name in names)
    return BroadcastFailed(text, f"{rejection}{_list_codes(failures)}", failures=failures)


def _outcome(text: str, steps: Mapping[StepName, Step]) -> BroadcastSent | BroadcastFailed:
    sent = tuple(ChannelId(name) for name, step in steps.items() if step.result)
    failures = tuple(ChannelFailure(ChannelId(name), step.error) for name, step in steps.items() if not step.result)
    if not failures:
        return BroadcastSent(text, sent, any(map(_is_in_doubt, steps.values())))
    error = f"not sent to {len(failures)} of {len(steps)} channels{_list_codes(failures)}"
    return BroadcastFailed(text, error, sent, failures)


def _is_in_doubt(step: Step) -> bool:
    return isinstance(step.result, Receipt) and step.result.in_doubt


def _list_codes(failures: Sequence[ChannelFailure]) -> str:
    codes = ", ".join(f"{failure.channel_id}: {failure.error.partition(':')[0]}" for failure in failures)
    return f" ({codes})" if codes else ""
