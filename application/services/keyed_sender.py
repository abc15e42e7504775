"""Sends the messages of flows: new ones, and those that change or continue a message by its key."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from application.ports.chat import Chat
from application.ports.message_keys import MessageKeys as KeyStorage
from application.ports.storage import Storage
from application.resilience.interception import intercepted
from application.resilience.lease_check import LeaseCheck
from application.resilience.persistence import Persistence
from application.resilience.shutdown import Shutdown
from application.services.channel_directory import ChannelDirectory
from application.services.channel_turns import Turn
from application.services.message_sender import MessageSender, PendingPost, post_step
from application.services.pauses import Pauses
from application.use_cases.command_handler import CommandRequest
from domain.actions import Step
from domain.channels import ChannelId
from domain.commands import replacing_fields
from domain.errors import ChatError, ChatRejected
from domain.messages import NO_KEYS, IdempotencyKey, MessageKeys, Post, Receipt, addressed, in_thread, keys_in_use

_NOT_FOUND = ("message_not_found", "thread_not_found")
"""How the service rejects a change of a message, or a reply to it, once it was deleted."""


@dataclass(frozen=True, slots=True)
class _KeyReservation:
    """Implements Reservation for the keys that a post is to have."""

    storage: KeyStorage
    channel_id: ChannelId
    keys: tuple[str, ...]

    async def begin(self, at: datetime) -> IdempotencyKey:
        reserved = [await self.storage.reserve(self.channel_id, key, at) for key in self.keys]
        return _mark(self.channel_id, min(known.reserved_since or at for known in reserved))

    async def cancel(self) -> None:
        for key in self.keys:
            await self.storage.release(self.channel_id, key)


class KeyedSender:
    """Sends messages with or without keys."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        sender: MessageSender,
        channels: ChannelDirectory,
        pauses: Pauses,
        shutdown: Shutdown,
        key_age_seconds: float,
    ) -> None:
        """`chat` is without a retry policy."""
        self._chat = chat
        self._keys = storage.message_keys
        self._journal = storage.journal
        self._leases = storage.leases
        self._sender = sender
        self._channels = channels
        self._pauses = pauses
        self._shutdown = shutdown
        self._key_age = timedelta(seconds=key_age_seconds)

    async def send(self, request: CommandRequest[Any], message: Post) -> Receipt:
        """Posts the message once, or changes the one that has its key. Raises what MessageSender.send raises."""
        keys = keys_in_use(message)
        if keys == NO_KEYS:
            return await self._sender.send(request, message)
        step = post_step(message.channel_id)
        known_as = addressed(message, await self._channels.resolve(message.channel_id))
        async with self._sender.turn(request, known_as, step) as post:
            if isinstance(posted := request.steps.get(step, Step()).result, Receipt):
                await self._bind(post, keys, posted)
                return posted
            await self._keys.purge(self._key_age)
            return await self._update(post, keys) or await self._post(post, keys)

    async def _update(self, post: PendingPost, keys: MessageKeys) -> Receipt | None:
        """Changes the message that has the key; returns None if there is none any more."""
        timestamp = await self._timestamp_of(post, keys.message_key)
        if not timestamp:
            return None
        if post.turn.patience.left <= 0:
            raise post.turn.overdue
        try:
            await self._persistent_chat(post.turn).update(post.channel_id, timestamp, replacing_fields(post.message))
        except ChatRejected as rejection:
            if rejection.code not in _NOT_FOUND:
                raise
            await self._keys.free(post.channel_id, timestamp)
            return None
        for key in (keys.message_key, keys.thread_key):
            await self._keys.touch(post.channel_id, key)
        return Receipt(post.channel_id, timestamp, is_updated=True)

    async def _post(self, post: PendingPost, keys: MessageKeys) -> Receipt:
        """Posts a message that gets the keys which have no message yet."""
        known = await self._timestamp_of(post, keys.thread_key)
        thread = await self._thread_of(post, known) if known else ""
        if known and not thread:
            await self._keys.free(post.channel_id, known)
        new_keys = tuple(dict.fromkeys(filter(None, (keys.message_key, "" if thread else keys.thread_key))))
        if keys.thread_key:
            post.message = in_thread(post.message, thread)
        post.reservation = _KeyReservation(self._keys, post.channel_id, new_keys) if new_keys else None
        await self._expect_reserved_mark(post, new_keys)
        try:
            receipt = await self._sender.post(post)
        except ChatRejected as rejection:
            await self._sender.undo_begin(post)
            if not thread or rejection.code not in _NOT_FOUND:
                raise
            await self._keys.free(post.channel_id, known)
            return await self._post(post, keys)
        await self._journal.complete_step(post.action_id, post.step, post.turn.lease, result=receipt)
        await self._bind(post, keys, receipt)
        return receipt

    async def _bind(self, post: PendingPost, keys: MessageKeys, receipt: Receipt) -> None:
        """Gives the posted message its keys. The channel is the one that the service has answered with."""
        if receipt.channel_id != post.channel_id:
            self._channels.learn(post.channel_id, receipt.channel_id)
        root = await self._keys.find(receipt.channel_id, keys.thread_key)
        has_root = root is not None and bool(root.timestamp)
        if has_root:
            await self._keys.touch(receipt.channel_id, keys.thread_key)
        for key in filter(None, (keys.message_key, "" if has_root else keys.thread_key)):
            await self._keys.bind(receipt.channel_id, key, receipt.timestamp)
            if receipt.channel_id != post.channel_id:
                await self._keys.release(post.channel_id, key)

    async def _timestamp_of(self, post: PendingPost, key: str) -> str:
        """Returns the timestamp of the message with a key; empty if there is none.

        If it is in doubt whether another action has posted it, it is searched for.
        """
        known = await self._keys.find(post.channel_id, key) if key else None
        if known is None or known.timestamp or known.reserved_since is None or post.begun_at is not None:
            return known.timestamp if known else ""
        own_key, post.key = post.key, _mark(post.channel_id, known.reserved_since)
        found = await self._sender.find_earlier(post, known.reserved_since)
        post.key = own_key
        if found is not None:
            await self._keys.bind(post.channel_id, key, found.timestamp)
            return found.timestamp
        if not post.was_in_doubt:
            await self._keys.release(post.channel_id, key)
        return ""

    async def _expect_reserved_mark(self, post: PendingPost, new_keys: tuple[str, ...]) -> None:
        """A post that was begun in an earlier run carries the mark of its reservation."""
        if post.begun_at is None or not new_keys or post.key is None:
            return
        known = await self._keys.find(post.channel_id, new_keys[0])
        if known is not None and known.reserved_since is not None:
            post.key = _mark(post.channel_id, known.reserved_since)

    async def _thread_of(self, post: PendingPost, timestamp: str) -> str:
        """Returns the thread of a message; empty if it was deleted: the service would accept and not show replies."""
        try:
            return await self._chat.thread_of(post.channel_id, timestamp)
        except ChatError as error:
            return "" if error.code in _NOT_FOUND else timestamp

    def _persistent_chat(self, turn: Turn) -> Chat:
        return intercepted(
            intercepted(self._chat, LeaseCheck(self._leases, turn.lease)),
            Persistence(self._shutdown, self._pauses, turn.queue, lambda: turn.patience.left),
        )


def _mark(channel_id: ChannelId, reserved_since: datetime) -> IdempotencyKey:
    """Returns the idempotency key of the post for which keys were reserved at this time, unique in its channel."""
    return IdempotencyKey(hashlib.sha256(f"{channel_id}\n{reserved_since.isoformat()}".encode()).hexdigest()[:32])
