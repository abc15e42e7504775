"""The ports of a flow test's world with its troubles around them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from application.ports.chat import Chat, Page
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, Connected, Disconnected
from application.ports.workflow import PackDefinition, Workflow
from domain.actions import Action, ActionId
from domain.channels import ChannelId
from domain.errors import InDoubt
from domain.events import Outcome, ReceivedMessage
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.users import Identity, User
from entrypoints.flow_tests.runtime.faults import FlyteFaults, SlackFaults


class TroubledChat:
    """Chat, as far as Slack's troubles let it through."""

    def __init__(self, chat: Chat, troubles: SlackFaults) -> None:
        self._chat = chat
        self._troubles = troubles

    async def identify(self) -> Identity:
        """See the port."""
        self._check("identify")
        return await self._chat.identify()

    async def post(self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey | None) -> Receipt:
        """See the port."""
        error = self._troubles.next_error("post", message.channel_id)
        if isinstance(error, InDoubt) and self._troubles.is_posted:
            await self._chat.post(message, mark)
        if error:
            raise error
        return await self._chat.post(message, mark)

    async def join(self, channel_id: ChannelId) -> None:
        """See the port."""
        self._check("join", channel_id)
        await self._chat.join(channel_id)

    async def leave(self, channel_id: ChannelId) -> None:
        """See the port."""
        self._check("leave", channel_id)
        await self._chat.leave(channel_id)

    async def memberships(self) -> frozenset[ChannelId]:
        """See the port."""
        self._check("memberships")
        return await self._chat.memberships()

    async def is_member(self, channel_id: ChannelId) -> bool:
        """See the port."""
        self._check("is_member")
        return await self._chat.is_member(channel_id)

    async def look_up(self, user_id: str) -> User:
        """See the port."""
        self._check("look_up", user_id)
        return await self._chat.look_up(user_id)

    async def find_posted(
        self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        """See the port."""
        self._check("find")
        return await self._chat.find_posted(message, mark, since)

    async def history(self, channel_id: ChannelId, after: str, cursor: str = "") -> Page:
        """See the port."""
        self._check("history")
        return await self._chat.history(channel_id, after, cursor)

    async def replies(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str = "") -> Page:
        """See the port."""
        self._check("replies")
        return await self._chat.replies(channel_id, thread_timestamp, after, cursor)

    def _check(self, call: str, subject: str = "") -> None:
        if error := self._troubles.next_error(call, subject):
            raise error


class TroubledEar:
    """Stands between a MemoryChat and its receiver: what is said while Slack is out of reach is heard afterwards."""

    def __init__(self, chat: MemoryChat, ear: MemoryReceiver, clock: Clock) -> None:
        self._ear = ear
        self._clock = clock
        self._held: list[ChatEvent] = []
        self._deaf_since: datetime | None = None
        self._end: asyncio.TimerHandle | None = None
        chat.listeners.remove(ear.deliver)
        chat.listeners.append(self._hear)

    def deafen(self, seconds: float | None) -> None:
        """Hear nothing, for so long or until `hear_again`."""
        if self._deaf_since is None:
            self._deaf_since = self._clock.now()
            self._ear.deliver(Disconnected("no connection to Slack could be made"))
        self._cancel()
        if seconds is not None:
            self._end = asyncio.get_running_loop().call_later(seconds, self.hear_again)

    def hear_again(self) -> None:
        """Hear, and be told of what was said meanwhile."""
        self._cancel()
        if self._deaf_since is None:
            return
        self._ear.deliver(Connected(self._deaf_since))
        self._deaf_since = None
        held, self._held = self._held, []
        for event in held:
            self._ear.deliver(event)

    def _hear(self, event: ChatEvent) -> None:
        if self._deaf_since is None:
            self._ear.deliver(event)
        else:
            self._held.append(event)

    def _cancel(self) -> None:
        if self._end:
            self._end.cancel()
            self._end = None


class TroubledWorkflow:
    """Workflow, as far as Flyte's troubles let it through."""

    def __init__(self, workflow: Workflow, troubles: FlyteFaults) -> None:
        self._workflow = workflow
        self._troubles = troubles

    async def register(self, offer: PackDefinition) -> None:
        """See the port."""
        self._check()
        await self._workflow.register(offer)

    async def take(self) -> Action | None:
        """See the port."""
        self._check()
        return await self._workflow.take()

    async def complete(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """See the port."""
        self._check()
        await self._workflow.complete(action_id, outcome, at)

    async def publish(self, event: ReceivedMessage, at: datetime) -> None:
        """See the port."""
        self._check()
        await self._workflow.publish(event, at)

    async def is_completed(self, action_id: ActionId) -> bool | None:
        """See the port."""
        self._check()
        return await self._workflow.is_completed(action_id)

    async def were_published(self, messages: Sequence[tuple[IncomingMessage, datetime]]) -> list[bool]:
        """See the port."""
        self._check()
        return await self._workflow.were_published(messages)

    async def pending_actions(self, since: datetime) -> list[Action]:
        """See the port."""
        self._check()
        return await self._workflow.pending_actions(since)

    def _check(self) -> None:
        if error := self._troubles.next_error():
            raise error
