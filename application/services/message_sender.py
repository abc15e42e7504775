"""Posts messages into channels: in order, within the rate limit, and never twice."""

import asyncio
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from application.policies import PostingPolicy, WhenInDoubt
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.backoff import exponential_backoff
from application.resilience.chat_retry import Outage
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.channel_locks import ChannelLocks
from application.services.pauses import Pauses
from domain.actions import ActionId, Step, StepName
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected, IdempotencyKeyRejected, InDoubt, RateLimited, Unreachable
from domain.messages import IdempotencyKey, Post, Receipt
from domain.outbox import Lease

log = structlog.get_logger()

_CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far before the first attempt to search for a post: our clock and the chat service's may differ."""


@dataclass(slots=True)
class PendingPost:
    """A post in progress."""

    action_id: ActionId
    message: Post
    key: IdempotencyKey | None
    lease: Lease
    begun_at: datetime | None
    gives_up_at: float = math.inf
    """When to stop sending it again, counted from the first doubt; in the event loop's time."""
    is_sent: bool = False
    """A request was sent whose effect is unknown so far."""
    was_in_doubt: bool = False
    """Sent again although a doubt could not be resolved."""

    @property
    def channel_id(self) -> ChannelId:
        """The channel as the message names it."""
        return self.message.channel_id

    @property
    def step(self) -> StepName:
        """The journal step of this post."""
        return post_step(self.channel_id)


class MessageSender:
    """The only way in which messages leave the pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        channel_locks: ChannelLocks,
        clock: Clock,
        shutdown: Shutdown,
        policy: PostingPolicy,
        pauses: Pauses,
    ) -> None:
        self._chat = chat
        self._journal = storage.journal
        self._rate_limiter = storage.rate_limiter
        self._channel_locks = channel_locks
        self._clock = clock
        self._shutdown = shutdown
        self._policy = policy
        self._pauses = pauses

    async def send(self, action_id: ActionId, message: Post, steps: Mapping[StepName, Step]) -> Receipt:
        """Posts the message once.

        `steps` is what an earlier run recorded: a post that had begun may exist already, and is searched for first.
        Raises ChatRejected, Unreachable after the time to give up, and InDoubt if its fate can't be determined. Raises
        ShutdownRequested if the pack is to end before; the journal then holds the progress.
        """
        self._chat.validate(message)
        async with self._channel_locks.acquire(message.channel_id) as lease:
            return await self._send(self._pending_post(action_id, message, steps, lease))

    async def send_step(self, action_id: ActionId, message: Post, steps: Mapping[StepName, Step]) -> Step:
        """Posts the message as one step of several: the journal keeps its result or its permanent error.

        Raises ShutdownRequested as `send` does.
        """
        async with self._channel_locks.acquire(message.channel_id) as lease:
            post = self._pending_post(action_id, message, steps, lease)
            try:
                step = Step(post.begun_at, await self._send(post))
            except ChatError as error:
                step = Step(post.begun_at, error=str(error))
            await self._journal.complete_step(action_id, post.step, lease, result=step.result, error=step.error)
        return step

    def _pending_post(
        self, action_id: ActionId, message: Post, steps: Mapping[StepName, Step], lease: Lease
    ) -> PendingPost:
        known = steps.get(post_step(message.channel_id), Step())
        key = _idempotency_key(action_id, message) if self._chat.carries_key(message) else None
        return PendingPost(action_id, message, key, lease, known.begun_at)

    async def _send(self, post: PendingPost) -> Receipt:
        if post.begun_at is not None:
            doubt = InDoubt("in_doubt", "the pack was stopped while it posted")
            if found := await self._resolve_in_doubt(post, doubt):
                return found
        try:
            return await self._post_until_done(post)
        except ShutdownRequested:
            await self._undo_begin(post)
            raise

    async def _undo_begin(self, post: PendingPost) -> None:
        """Spares the next start a doubt: a post that certainly had no effect has not begun."""
        if post.begun_at is not None and not post.is_sent and not post.was_in_doubt:
            await self._journal.undo_begin_step(post.action_id, post.step, post.lease)

    async def _post_until_done(self, post: PendingPost) -> Receipt:
        pauses = exponential_backoff(1, 60)
        outage = Outage(self._shutdown, self._policy.give_up_seconds)
        while True:
            try:
                receipt = await self._attempt(post)
            except RateLimited as limit:
                outage.end()
                await self._pauses.begin(post.channel_id, limit.retry_after_seconds, post.action_id)
            except Unreachable as error:
                await outage.wait(error)
            except InDoubt as doubt:
                if found := await self._resolve_in_doubt(post, doubt):
                    return found
                left = post.gives_up_at - _now()
                if left <= 0:
                    raise
                await self._shutdown.sleep(min(next(pauses), left))  # sooner, doubtful copies would fill the channel
                outage.end()
            except IdempotencyKeyRejected as rejection:
                if post.key is None:
                    raise
                log.warning("mark_refused", action=post.action_id, code=rejection.code)
                post.key = None
            else:
                return replace(receipt, in_doubt=post.was_in_doubt)

    async def _attempt(self, post: PendingPost) -> Receipt:
        self._shutdown.raise_if_requested()
        await self._acquire_slot(post.channel_id)
        self._shutdown.raise_if_requested()
        if post.begun_at is None:
            post.begun_at = await self._journal.begin_step(post.action_id, post.step, post.lease)
        post.is_sent = True
        try:
            return await self._chat.post(post.message, post.key)
        except (RateLimited, Unreachable, ChatRejected):
            post.is_sent = False
            raise

    async def _acquire_slot(self, channel_id: ChannelId) -> None:
        await self._pauses.wait(channel_id)
        policy = self._policy
        wait = await self._rate_limiter.reserve(channel_id, policy.messages_per_second, policy.message_burst)
        if wait > 0:
            await self._shutdown.sleep(wait)

    async def _resolve_in_doubt(self, post: PendingPost, doubt: InDoubt) -> Receipt | None:
        """Returns the receipt of a post that was made after all; None if it is to be sent again."""
        post.gives_up_at = min(post.gives_up_at, _now() + self._policy.give_up_seconds)
        log.warning("post_in_doubt", action=post.action_id, channel=post.channel_id, reason=doubt.explanation)
        try:
            found = await self._find_posted(post)
        except (ChatRejected, Unreachable) as error:
            self._apply_in_doubt_policy(post, doubt, error.explanation)
            return None
        log.info("doubt_resolved", action=post.action_id, was_sent=found is not None)
        return found

    async def _find_posted(self, post: PendingPost) -> Receipt | None:
        """Searches twice: the history may lag behind."""
        if post.key is None:
            raise ChatRejected("no_mark", "the message could not carry the pack's mark")
        ended = _now()
        since = (post.begun_at or self._clock.now()) - _CLOCK_TOLERANCE
        found = await self._chat.find_posted(post.message, post.key, since)
        if found is None:
            await self._shutdown.sleep(ended + self._chat.history_lag_seconds - _now())
            found = await self._chat.find_posted(post.message, post.key, since)
        return found

    def _apply_in_doubt_policy(self, post: PendingPost, doubt: InDoubt, reason: str) -> None:
        is_over = _now() >= post.gives_up_at
        if is_over or self._policy.when_in_doubt is WhenInDoubt.FAIL:
            raise InDoubt(
                "in_doubt",
                f"the message may or may not have been posted ({doubt.explanation}; {reason}); "
                "check the channel before sending it again",
            ) from doubt
        post.was_in_doubt = True


def post_step(channel_id: ChannelId) -> StepName:
    """Returns the name of the journal step that posts into a channel."""
    return StepName(channel_id)


def _idempotency_key(action_id: ActionId, message: Post) -> IdempotencyKey:
    """Identifies this action's post into this channel."""
    return IdempotencyKey(hashlib.sha256(f"{action_id}\n{message.channel_id}".encode()).hexdigest()[:32])


def _now() -> float:
    return asyncio.get_running_loop().time()
