"""Posting into channels: in order, at the pace allowed, and never twice."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from application.policies import PostingPolicy, WhenInDoubt
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.backoff import exponential_backoff
from application.resilience.chat_retry import ChatLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import ChannelLocks
from domain.actions import ActionId, Step
from domain.channels import ChannelId
from domain.errors import ChatRejected, InDoubt, RateLimited, Unreachable
from domain.messages import MAX_TEXT_LENGTH, IdempotencyKey, OutgoingMessage, Receipt, RichMessage

if TYPE_CHECKING:
    from application.ports.journal import Journal
    from application.ports.rate_limiter import RateLimiter

log = structlog.get_logger()

_HISTORY_LAG_SECONDS = 5
"""Slack's history may not show a post before; a second look waits at least that long after the request ended."""
_LOOK_BACK = timedelta(minutes=1)
"""How far before the first attempt to look for a post: our clock and Slack's may differ."""


@dataclass(slots=True)
class PendingPost:
    """One post on its way."""

    action_id: ActionId
    message: OutgoingMessage | RichMessage
    mark: IdempotencyKey | None
    begun_at: datetime | None
    gives_up_at: float = math.inf
    """When not to send it again any more; counts from the first doubt. Of the monotonic clock."""
    is_out: bool = False
    """A request went out of which nobody knows, so far, whether it took effect."""
    in_doubt: bool = False
    """Sent again in spite of a doubt that nobody could resolve."""

    @property
    def channel_id(self) -> ChannelId:
        """Where it is posted."""
        return self.message.channel_id


class MessageSender:
    """The one way in which messages leave the pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        lanes: ChannelLocks,
        clock: Clock,
        stop: Shutdown,
        line: ChatLine,
        keep: Safekeeping,
        policy: PostingPolicy,
    ) -> None:
        self._chat = chat
        self._journal: Journal = storage.journal
        self._paces: RateLimiter = storage.rate_limiter
        self._lanes = lanes
        self._clock = clock
        self._stop = stop
        self._line = line
        self._keep = keep
        self._policy = policy

    async def send(
        self, action_id: ActionId, message: OutgoingMessage | RichMessage, step: Step | None = None
    ) -> Receipt:
        """Post the message, once, and return where it stands.

        `step` is what an earlier run noted of this post: one that had begun may stand already, and is looked for
        first. Raises ChatError: Refused, Unreachable after the time to give up, InDoubt when nobody can tell.
        Raises Stopping when the pack ends before; the journal then knows how far it came.
        """
        if too_long := text_too_long(message.text):
            raise too_long
        begun_at = step.begun_at if step else None
        delivery = PendingPost(action_id, message, _idempotency_key(action_id, message), begun_at)
        async with self._lanes.acquire(message.channel_id):
            if begun_at is not None:
                doubt = InDoubt("in_doubt", "the pack was stopped while it posted")
                if found := await self._resolve_in_doubt(delivery, doubt):
                    return found
            try:
                return await self._post_until_done(delivery)
            except ShutdownRequested:
                await self._undo_begin(delivery)
                raise

    async def _undo_begin(self, delivery: PendingPost) -> None:
        """Spare the next start a doubt: what is known not to have taken effect has not begun."""
        if delivery.begun_at is not None and not delivery.is_out and not delivery.in_doubt:
            await self._keep(lambda: self._journal.undo_begin_step(delivery.action_id, delivery.channel_id))

    async def _post_until_done(self, delivery: PendingPost) -> Receipt:
        pauses = exponential_backoff(1, 60)
        while True:
            try:
                receipt = await self._line(
                    lambda: self._attempt(delivery),
                    on_rate_limit=lambda seconds: self._pause_channel(delivery, seconds),
                )
            except InDoubt as doubt:
                if found := await self._resolve_in_doubt(delivery, doubt):
                    return found
                left = delivery.gives_up_at - self._clock.monotonic()
                if left <= 0:
                    raise
                await self._stop.sleep(min(next(pauses), left))  # at once would fill a channel with doubtful copies
            except ChatRejected as refusal:
                if delivery.mark is None or "metadata" not in refusal.code:
                    raise
                log.warning("mark_refused", action=delivery.action_id, code=refusal.code)
                delivery.mark = None
            else:
                return Receipt(receipt.channel_id, receipt.timestamp, in_doubt=delivery.in_doubt)

    async def _attempt(self, delivery: PendingPost) -> Receipt:
        self._stop.raise_if_requested()
        await self._acquire_slot(delivery.channel_id)
        self._stop.raise_if_requested()
        if delivery.begun_at is None:
            begun_at = self._clock.now()
            await self._keep(lambda: self._journal.begin_step(delivery.action_id, delivery.channel_id, begun_at))
            delivery.begun_at = begun_at
        delivery.is_out = True
        try:
            return await self._chat.post(delivery.message, delivery.mark)
        except (RateLimited, Unreachable, ChatRejected):
            delivery.is_out = False
            raise

    async def _acquire_slot(self, channel_id: ChannelId) -> None:
        policy = self._policy
        wait = await self._keep(
            lambda: self._paces.reserve(channel_id, self._clock.now(), policy.messages_per_second, policy.message_burst)
        )
        if wait > 0:
            await self._stop.sleep(wait)

    async def _pause_channel(self, delivery: PendingPost, seconds: float) -> None:
        log.info("throttled", channel=delivery.channel_id, seconds=seconds, action=delivery.action_id)
        until = self._clock.now() + timedelta(seconds=seconds)
        await self._keep(lambda: self._paces.pause_until(delivery.channel_id, until))

    async def _resolve_in_doubt(self, delivery: PendingPost, doubt: InDoubt) -> Receipt | None:
        """The receipt of a post in doubt that stands; None when it is to be sent again."""
        delivery.gives_up_at = min(delivery.gives_up_at, self._clock.monotonic() + self._policy.give_up_seconds)
        log.warning("post_in_doubt", action=delivery.action_id, channel=delivery.channel_id, reason=doubt.explanation)
        try:
            found = await self._find_posted(delivery)
        except (ChatRejected, Unreachable) as unknowable:
            self._apply_in_doubt_policy(delivery, doubt, unknowable.explanation)
            return None
        log.info("doubt_resolved", action=delivery.action_id, was_sent=found is not None)
        return found

    async def _find_posted(self, delivery: PendingPost) -> Receipt | None:
        if delivery.mark is None:
            raise ChatRejected("no_mark", "the message could not carry the pack's mark")
        ended = self._clock.monotonic()
        found = await self._search_history(delivery, delivery.mark)
        if found is None:
            await self._stop.sleep(ended + _HISTORY_LAG_SECONDS - self._clock.monotonic())
            found = await self._search_history(delivery, delivery.mark)
        return found

    async def _search_history(self, delivery: PendingPost, mark: IdempotencyKey) -> Receipt | None:
        since = (delivery.begun_at or self._clock.now()) - _LOOK_BACK
        return await self._line(lambda: self._chat.find_posted(delivery.message, mark, since))

    def _apply_in_doubt_policy(self, delivery: PendingPost, doubt: InDoubt, why: str) -> None:
        is_over = self._clock.monotonic() >= delivery.gives_up_at
        if is_over or self._policy.when_in_doubt is WhenInDoubt.FAIL:
            raise InDoubt(
                "in_doubt",
                f"nobody can tell whether the message was posted ({doubt.explanation}; {why}); "
                "look into the channel before sending it again",
            ) from doubt
        delivery.in_doubt = True


def text_too_long(text: str) -> ChatRejected | None:
    """Why a text is not posted at all; None for one that Slack takes whole."""
    if len(text) <= MAX_TEXT_LENGTH:
        return None
    return ChatRejected("msg_too_long", f"the text has {len(text)} characters; Slack cuts it after {MAX_TEXT_LENGTH}")


def _idempotency_key(action_id: ActionId, message: OutgoingMessage | RichMessage) -> IdempotencyKey | None:
    """The mark of this action's post into this channel; None when the message brings metadata of its own."""
    if isinstance(message, RichMessage) and message.fields.get("metadata") is not None:
        return None
    return IdempotencyKey(hashlib.sha256(f"{action_id}\n{message.channel_id}".encode()).hexdigest()[:32])
