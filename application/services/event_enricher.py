"""Completes stored events with the people, texts and message keys that flows need."""

from application.ports.storage import Storage
from application.services.message_texts import MessageTexts
from application.services.user_directory import UserDirectory
from domain.channels import ChannelId
from domain.events import PackEvent, ReceivedEvent, ReceivedMessage
from domain.interactions import INTERACTIONS, Activity, BlockAction, MessageChange, Reaction, Shortcut
from domain.messages import IncomingMessage
from domain.outbox import InboundEvent
from domain.users import User


class EventEnricher:
    """Looks up what an event refers to. What can't be looked up stays empty."""

    def __init__(self, users: UserDirectory, texts: MessageTexts, storage: Storage, *, receives_bots: bool) -> None:
        self._users = users
        self._texts = texts
        self._message_keys = storage.message_keys
        self._receives_bots = receives_bots

    async def wait_for_turn(self, event: InboundEvent) -> None:
        """Waits until a backfilled event may be completed: live ones go first. Raises ShutdownRequested."""
        if isinstance(event, IncomingMessage):
            await self._users.wait_for_turn(event)

    async def enrich(self, event: InboundEvent) -> PackEvent | None:
        """Returns the event as flows get it; None if it is a bot's and bots are not received.

        A person waits for the answer to an interaction, so that its look-ups take half a second at most. Raises
        ShutdownRequested if the pack is to end before.
        """
        if isinstance(event, IncomingMessage):
            return await self._received_message(event)
        user = await self._actor(event)
        if isinstance(event, Reaction | MessageChange) and user.is_bot and not self._receives_bots:
            return None
        return await self._received_event(event, user)

    async def _received_message(self, message: IncomingMessage) -> PackEvent | None:
        author = await self._users.author_of(message)
        # Messages that are certainly from bots were judged when they arrived.
        if author.is_bot and not message.is_from_bot and not self._receives_bots:
            return None
        return ReceivedMessage(message, author, await self._key_of(message.channel_id, message.thread_timestamp))

    async def _actor(self, event: Activity) -> User:
        if isinstance(event, MessageChange):
            return await self._users.author_of_change(event)
        return await self._users.find(event.user_id, is_urgent=isinstance(event, INTERACTIONS))

    async def _received_event(self, event: Activity, user: User) -> PackEvent:
        match event:
            case Reaction():
                return await self._reaction(event, user)
            case BlockAction() | Shortcut():
                key = await self._key_of(event.channel_id, event.timestamp)
                return ReceivedEvent(event, user, message_key=key)
            case MessageChange():
                self._texts.forget(event.channel_id, event.timestamp)
                return ReceivedEvent(event, user)
            case _:
                return ReceivedEvent(event, user)

    async def _reaction(self, reaction: Reaction, user: User) -> ReceivedEvent:
        author = await self._users.find(reaction.item_user_id)
        if not (reaction.channel_id and reaction.timestamp):
            return ReceivedEvent(reaction, user, author)
        message = await self._texts.find(reaction.channel_id, reaction.timestamp)
        key = await self._key_of(reaction.channel_id, reaction.timestamp)
        return ReceivedEvent(reaction, user, author, message.text, message.thread_timestamp, key)

    async def _key_of(self, channel_id: ChannelId, timestamp: str) -> str:
        if not (channel_id and timestamp):
            return ""
        (key,) = await self._message_keys.keys_of([(channel_id, timestamp)])
        return key
