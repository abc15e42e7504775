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
from application.resilience.backoff import growing_pauses
from application.resilience.chat_retry import ChatLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import Lanes
from domain.actions import ActionId, Step
from domain.channels import ChannelId
from domain.errors import InDoubt, RateLimited, Refused, Unreachable
from domain.messages import LONGEST_TEXT, Mark, Message, Receipt, RichMessage

if TYPE_CHECKING:
    from application.ports.journal import Journal
    from application.ports.rate_limiter import Paces

log = structlog.get_logger()

_HISTORY_LAG_SECONDS = 5
"""Slack's history may not show a post before; a second look waits at least that long after the request ended."""
_LOOK_BACK = timedelta(minutes=1)
"""How far before the first attempt to look for a post: our clock and Slack's may differ."""


@dataclass(slots=True)
class _Delivery:
    """One post on its way."""

    action_id: ActionId
    message: Message | RichMessage
    mark: Mark | None
    begun_at: datetime | None
    gives_up_at: float = math.inf
    """When not to send it again any more; counts from the first doubt. Of the monotonic clock."""
    is_out: bool = False
    """A request went out of which nobody knows, so far, whether it took effect."""
    in_doubt: bool = False
    """Sent again in spite of a doubt that nobody could resolve."""

    @property
    def channel_id(self) -> ChannelId:
        return self.message.channel_id


class Posting:
    """The one way in which messages leave the pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        lanes: Lanes,
        clock: Clock,
        stop: Shutdown,
        line: ChatLine,
        keep: Safekeeping,
        policy: PostingPolicy,
    ) -> None:
        self._chat = chat
        self._journal: Journal = storage.journal
        self._paces: Paces = storage.paces
        self._lanes = lanes
        self._clock = clock
        self._stop = stop
        self._line = line
        self._keep = keep
        self._policy = policy

    async def post(self, action_id: ActionId, message: Message | RichMessage, step: Step | None = None) -> Receipt:
        """Post the message, once, and return where it stands.

        `step` is what an earlier run noted of this post: one that had begun may stand already, and is looked for
        first. Raises ChatError: Refused, Unreachable after the time to give up, InDoubt when nobody can tell.
        Raises Stopping when the pack ends before; the journal then knows how far it came.
        """
        if too_long := text_too_long(message.text):
            raise too_long
        begun_at = step.begun_at if step else None
        delivery = _Delivery(action_id, message, _mark(action_id, message), begun_at)
        async with self._lanes.turn(message.channel_id):
            if begun_at is not None:
                doubt = InDoubt("in_doubt", "the pack was stopped while it posted")
                if found := await self._resolve(delivery, doubt):
                    return found
            try:
                return await self._send(delivery)
            except ShutdownRequested:
                await self._retract(delivery)
                raise

    async def _retract(self, delivery: _Delivery) -> None:
        """Spare the next start a doubt: what is known not to have taken effect has not begun."""
        if delivery.begun_at is not None and not delivery.is_out and not delivery.in_doubt:
            await self._keep(lambda: self._journal.retract(delivery.action_id, delivery.channel_id))

    async def _send(self, delivery: _Delivery) -> Receipt:
        pauses = growing_pauses(1, 60)
        while True:
            try:
                receipt = await self._line(
                    lambda: self._attempt(delivery), on_rate_limit=lambda seconds: self._hold(delivery, seconds)
                )
            except InDoubt as doubt:
                if found := await self._resolve(delivery, doubt):
                    return found
                left = delivery.gives_up_at - self._clock.monotonic()
                if left <= 0:
                    raise
                await self._stop.pause(min(next(pauses), left))  # at once would fill a channel with doubtful copies
            except Refused as refusal:
                if delivery.mark is None or "metadata" not in refusal.code:
                    raise
                log.warning("mark_refused", action=delivery.action_id, code=refusal.code)
                delivery.mark = None
            else:
                return Receipt(receipt.channel_id, receipt.timestamp, in_doubt=delivery.in_doubt)

    async def _attempt(self, delivery: _Delivery) -> Receipt:
        self._stop.check()
        await self._pace(delivery.channel_id)
        self._stop.check()
        if delivery.begun_at is None:
            begun_at = self._clock.now()
            await self._keep(lambda: self._journal.begin(delivery.action_id, delivery.channel_id, begun_at))
            delivery.begun_at = begun_at
        delivery.is_out = True
        try:
            return await self._chat.post(delivery.message, delivery.mark)
        except (RateLimited, Unreachable, Refused):
            delivery.is_out = False
            raise

    async def _pace(self, channel_id: ChannelId) -> None:
        policy = self._policy
        wait = await self._keep(
            lambda: self._paces.reserve(channel_id, self._clock.now(), policy.messages_per_second, policy.message_burst)
        )
        if wait > 0:
            await self._stop.pause(wait)

    async def _hold(self, delivery: _Delivery, seconds: float) -> None:
        log.info("throttled", channel=delivery.channel_id, seconds=seconds, action=delivery.action_id)
        until = self._clock.now() + timedelta(seconds=seconds)
        await self._keep(lambda: self._paces.hold(delivery.channel_id, until))

    async def _resolve(self, delivery: _Delivery, doubt: InDoubt) -> Receipt | None:
        """The receipt of a post in doubt that stands; None when it is to be sent again."""
        delivery.gives_up_at = min(delivery.gives_up_at, self._clock.monotonic() + self._policy.give_up_seconds)
        log.warning("post_in_doubt", action=delivery.action_id, channel=delivery.channel_id, reason=doubt.explanation)
        try:
            found = await self._look_twice(delivery)
        except (Refused, Unreachable) as unknowable:
            self._decide(delivery, doubt, unknowable.explanation)
            return None
        log.info("doubt_resolved", action=delivery.action_id, was_sent=found is not None)
        return found

    async def _look_twice(self, delivery: _Delivery) -> Receipt | None:
        if delivery.mark is None:
            raise Refused("no_mark", "the message could not carry the pack's mark")
        ended = self._clock.monotonic()
        found = await self._look(delivery, delivery.mark)
        if found is None:
            await self._stop.pause(ended + _HISTORY_LAG_SECONDS - self._clock.monotonic())
            found = await self._look(delivery, delivery.mark)
        return found

    async def _look(self, delivery: _Delivery, mark: Mark) -> Receipt | None:
        since = (delivery.begun_at or self._clock.now()) - _LOOK_BACK
        return await self._line(lambda: self._chat.find(delivery.message, mark, since))

    def _decide(self, delivery: _Delivery, doubt: InDoubt, why: str) -> None:
        is_over = self._clock.monotonic() >= delivery.gives_up_at
        if is_over or self._policy.when_in_doubt is WhenInDoubt.FAIL:
            raise InDoubt(
                "in_doubt",
                f"nobody can tell whether the message was posted ({doubt.explanation}; {why}); "
                "look into the channel before sending it again",
            ) from doubt
        delivery.in_doubt = True


def text_too_long(text: str) -> Refused | None:
    """Why a text is not posted at all; None for one that Slack takes whole."""
    if len(text) <= LONGEST_TEXT:
        return None
    return Refused("msg_too_long", f"the text has {len(text)} characters; Slack cuts it after {LONGEST_TEXT}")


def _mark(action_id: ActionId, message: Message | RichMessage) -> Mark | None:
    """The mark of this action's post into this channel; None when the message brings metadata of its own."""
    if isinstance(message, RichMessage) and message.fields.get("metadata") is not None:
        return None
    return Mark(hashlib.sha256(f"{action_id}\n{message.channel_id}".encode()).hexdigest()[:32])
