"""Posts messages into channels: in order, within the rate limit, and never twice."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog

from application.loop_time import loop_time
from application.policies import PostingPolicy
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.backoff import exponential_backoff
from application.resilience.chat_retry import Outage
from application.resilience.interception import intercepted
from application.resilience.persistence import Persistence
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.channel_turns import ChannelTurns, Turn
from application.services.doubts import Doubts
from application.services.first_requests import begin_step
from application.services.pauses import Pauses
from application.services.post_gate import PostGate
from application.use_cases.command_handler import CommandRequest
from domain.actions import ActionId, Step, StepName
from domain.channels import ChannelId
from domain.errors import ChatError, ChatRejected, IdempotencyKeyRejected, InDoubt, RateLimited, Unreachable
from domain.messages import IdempotencyKey, Post, Receipt

log = structlog.get_logger()

_CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far before a request to search for its post: the chat service's time is known to about a second."""
_RESTART_TOLERANCE = timedelta(minutes=10)
"""The same for a request of an earlier process, which may have noted its time by a clock that was wrong."""
_UNKNOWN_TIME_TOLERANCE = timedelta(days=1)
"""How far back to search if that process noted a time that has not come yet."""


class Reservation(Protocol):
    """A reservation that a post makes before its first request, such as that of a message key."""

    async def begin(self, at: datetime) -> IdempotencyKey:
        """Reserves it for a post at this time, by the chat service's clock. Returns the post's key."""

    async def cancel(self) -> None:
        """Ends the reservation: the post certainly does not exist."""


@dataclass(slots=True)
class PendingPost:
    """A post in progress."""

    action_id: ActionId
    message: Post
    key: IdempotencyKey | None
    begun_at: datetime | None
    """When the first request was about to be sent, by the chat service's clock."""
    turn: Turn
    step: StepName
    reservation: Reservation | None = None
    search_since: datetime | None = None
    sent_at: float = 0.0
    """When the last request was sent, in the event loop's time."""
    is_sent: bool = False
    """A request was sent whose effect is unknown so far."""
    was_in_doubt: bool = False
    """Sent again although a doubt could not be resolved."""
    failure: ChatError | None = None
    """The error to report if the time is over."""

    @property
    def channel_id(self) -> ChannelId:
        """The channel as the message names it."""
        return self.message.channel_id


class MessageSender:
    """The only way in which messages leave the pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        turns: ChannelTurns,
        clock: Clock,
        shutdown: Shutdown,
        policy: PostingPolicy,
        pauses: Pauses,
        gate: PostGate,
        doubts: Doubts,
    ) -> None:
        self._chat = chat
        self._journal = storage.journal
        self._rate_limiter = storage.rate_limiter
        self._leases = storage.leases
        self._turns = turns
        self._clock = clock
        self._shutdown = shutdown
        self._policy = policy
        self._pauses = pauses
        self._gate = gate
        self._doubts = doubts

    async def send(self, request: CommandRequest[Any], message: Post, step: StepName | None = None) -> Receipt:
        """Posts the message of a command once; `step` is the journal step of the post, if not that of its channel.

        A post that an earlier run had begun may exist already, and is searched for first. Raises ChatRejected,
        Unreachable after the time to give up, and InDoubt if its fate can't be determined. Raises ShutdownRequested if
        the pack is to end before; the journal then holds the progress.
        """
        async with self.turn(request, message, step) as post:
            return await self.post(post)

    async def send_step(self, request: CommandRequest[Any], message: Post) -> Step:
        """Posts the message as one step of several: the journal keeps its result or its permanent error.

        Raises ShutdownRequested as `send` does.
        """
        try:
            async with self.turn(request, message, ends_early=True) as post:
                try:
                    step = Step(post.begun_at, await self.post(post))
                except ChatError as error:
                    step = Step(post.begun_at, error=str(error))
                await self._journal.complete_step(
                    post.action_id, post.step, post.turn.lease, result=step.result, error=step.error
                )
                return step
        except Unreachable as overdue:  # before its turn
            return Step(error=str(overdue))

    @asynccontextmanager
    async def turn(
        self,
        request: CommandRequest[Any],
        message: Post,
        step: StepName | None = None,
        *,
        ends_early: bool = False,
    ) -> AsyncIterator[PendingPost]:
        """Waits for the post's turn in its channel. Raises ChatRejected, and Unreachable if it is not begun in time.

        The channel is held until the action is concluded, unless the turn `ends_early`.
        """
        self._chat.validate(message)
        step = step or post_step(message.channel_id)
        begun_at = request.steps.get(step, Step()).begun_at
        key = _idempotency_key(request.action_id, message) if self._chat.carries_key(message) else None
        turn = self._turns.turn(
            message.channel_id,
            request.action_id,
            request.taken_at,
            has_begun=begun_at is not None,
            subject="message",
            ends_early=ends_early,
        )
        async with turn as held:
            yield PendingPost(request.action_id, message, key, begun_at, held, step)

    async def post(self, post: PendingPost) -> Receipt:
        """Posts the message whose turn it is. Raises what `send` raises."""
        try:
            if post.begun_at is not None and (found := await self.find_earlier(post, post.begun_at)):
                return found
            return await self._post_until_done(post)
        except ShutdownRequested:
            await self.undo_begin(post)
            raise
        except (ChatRejected, Unreachable) as error:
            if post.was_in_doubt:
                raise _unsettled(f"sent again, it failed: {error}") from error
            raise

    async def find_earlier(self, post: PendingPost, begun_at: datetime) -> Receipt | None:
        """Searches for a post with the same key that was begun earlier. Returns None if it is to be sent.

        Raises InDoubt if that can't be determined.
        """
        now = self._chat.now()
        post.is_sent = True
        post.sent_at = self._doubts.sent_at(begun_at)
        if begun_at > now + _CLOCK_TOLERANCE:
            post.search_since = now - _UNKNOWN_TIME_TOLERANCE
        else:
            ahead = max(timedelta(), self._clock.now() - now)  # an earlier version went by our clock
            post.search_since = begun_at - ahead - _RESTART_TOLERANCE
        doubt = InDoubt("in_doubt", "the pack was stopped while it posted")
        return await self._resolve_in_doubt(post, doubt)

    async def undo_begin(self, post: PendingPost) -> None:
        """Records a post without effect as not begun, so that the next start does not take it for one in doubt."""
        if post.begun_at is not None and not post.is_sent and not post.was_in_doubt:
            await self._journal.undo_begin_step(post.action_id, post.step, post.turn.lease)
            post.begun_at = None
            if post.reservation is not None:
                await post.reservation.cancel()

    async def _post_until_done(self, post: PendingPost) -> Receipt:
        pauses = exponential_backoff(1, 60)
        outage = Outage(self._shutdown)
        while True:
            if post.turn.patience.left <= 0:
                raise post.failure or post.turn.overdue
            try:
                receipt = await self._attempt(post)
            except RateLimited as limit:
                outage.end()
                await self.undo_begin(post)
                await self._pauses.begin(post.channel_id, limit.retry_after_seconds)
            except Unreachable as error:
                post.failure = error
                await self.undo_begin(post)
                with self._pauses.outage():
                    await outage.wait(error, post.turn.patience.left)
            except InDoubt as doubt:
                outage.end()
                if found := await self._resolve_in_doubt(post, doubt):
                    return found
                if not post.was_in_doubt:
                    post.failure = doubt
                    continue
                # Sooner, doubtful copies would fill the channel.
                await self._shutdown.sleep(min(next(pauses), post.turn.patience.left))
            except IdempotencyKeyRejected as rejection:
                _drop_key(post, rejection)
            else:
                return replace(receipt, in_doubt=post.was_in_doubt)

    async def _attempt(self, post: PendingPost) -> Receipt:
        self._shutdown.raise_if_requested()
        with post.turn.queue.excused():
            await self._wait_for_slot(post.channel_id)
            ticket = await self._gate.enter()
        with self._gate.observe(ticket):
            return await self._request(post)

    async def _request(self, post: PendingPost) -> Receipt:
        self._shutdown.raise_if_requested()
        if post.begun_at is None:
            lease, now = post.turn.lease, self._chat.now()
            if post.reservation is not None:
                mark = await post.reservation.begin(now)
                post.key = post.key and mark  # without a key if the message can't carry one
            post.begun_at = await begin_step(self._journal, post.action_id, post.step, lease, at=now)
            post.search_since = post.begun_at - _CLOCK_TOLERANCE
        else:
            await self._leases.check(post.turn.lease)
        post.is_sent, post.sent_at = True, loop_time()
        try:
            return await self._chat.post(post.message, post.key)
        except (RateLimited, Unreachable, ChatRejected):
            post.is_sent = False
            raise

    async def _wait_for_slot(self, channel_id: ChannelId) -> None:
        await self._pauses.wait(channel_id)
        policy = self._policy
        wait = await self._rate_limiter.reserve(channel_id, policy.messages_per_second, policy.message_burst)
        self._pauses.on_paced(channel_id, wait)
        if wait > 0:
            await self._shutdown.sleep(wait)

    async def _resolve_in_doubt(self, post: PendingPost, doubt: InDoubt) -> Receipt | None:
        """Returns the receipt of a post that was made after all; None if it is to be sent again."""
        log.warning("post_in_doubt", channel=post.channel_id, reason=doubt.explanation)
        try:
            found = await self._doubts.look_for(partial(self._search, post), post.sent_at)
        except (ChatRejected, Unreachable) as error:
            self._apply_in_doubt_policy(post, doubt, error.explanation)
            return None
        log.info("doubt_resolved", was_sent=found is not None)
        if found is None:
            post.is_sent = False
            await self.undo_begin(post)
        return found

    async def _search(self, post: PendingPost) -> Receipt | None:
        """Searches once. Raises ChatRejected, and Unreachable when there is no time left."""
        if post.key is None or post.search_since is None:
            raise ChatRejected("no_mark", "the message could not carry the pack's mark")
        persistence = Persistence(
            self._shutdown,
            self._pauses,
            post.turn.queue,
            lambda: max(post.turn.patience.left, self._doubts.seconds_left(post.sent_at)),
        )
        return await intercepted(self._chat, persistence).find_posted(post.message, post.key, post.search_since)

    def _apply_in_doubt_policy(self, post: PendingPost, doubt: InDoubt, reason: str) -> None:
        failure = _unsettled(f"{doubt.explanation}; {reason}")
        self._doubts.ask_operator(failure, post.turn.patience)
        post.failure, post.was_in_doubt = failure, True


def _unsettled(reason: str) -> InDoubt:
    advice = "check the channel before sending it again"
    return InDoubt("in_doubt", f"the message may or may not have been posted ({reason}); {advice}")


def _drop_key(post: PendingPost, rejection: IdempotencyKeyRejected) -> None:
    if post.key is None:
        raise rejection
    log.warning("mark_refused", channel=post.channel_id, code=rejection.code)
    post.key = None


def post_step(channel_id: ChannelId) -> StepName:
    """Returns the name of the journal step that posts into a channel."""
    return StepName(channel_id)


def _idempotency_key(action_id: ActionId, message: Post) -> IdempotencyKey:
    """Identifies this action's post into this channel."""
    return IdempotencyKey(hashlib.sha256(f"{action_id}\n{message.channel_id}".encode()).hexdigest()[:32])
