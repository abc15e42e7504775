"""What the contracts of Chat and its parts need to prepare and to inspect."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from application.ports.chat import Chat
from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.users import User


@dataclass(frozen=True)
class PostedMessage:
    """A message of the bot as the service stores it."""

    text: str
    timestamp: str
    thread_timestamp: str = ""


class ChatEnvironment(ABC):
    """A chat service, with methods to prepare and to inspect it."""

    chat: Chat

    @abstractmethod
    def open_channel(self, name: str, *, private: bool = False, with_bot: bool = False) -> ChannelId:
        """Creates a channel with one user in it. The channel named `general` cannot be left."""

    @abstractmethod
    def open_direct(self) -> ChannelId:
        """Opens a direct message channel between the bot and a user."""

    @abstractmethod
    def add_user(self, user: User) -> str:
        """Adds a user with these names; returns the id, which may differ from `user.id`."""

    @abstractmethod
    def say(self, channel_id: ChannelId, text: str, thread: str = "") -> str:
        """Lets a user post a message; returns its timestamp."""

    @abstractmethod
    def archive(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def remove_bot(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def posted(self, channel_id: ChannelId) -> list[PostedMessage]:
        """Returns the bot's messages in the channel and its threads, oldest first."""


class OwnClockEnvironment(ChatEnvironment):
    """A chat service with a clock of its own."""

    @abstractmethod
    def shift_clock(self, seconds: float) -> None:
        """Sets the service's clock ahead of the pack's."""

    @abstractmethod
    def own_time(self) -> datetime:
        """Returns the time by the pack's clock."""


class FullChatEnvironment(OwnClockEnvironment):
    """A chat service with all that people can do in it."""

    person: str
    """The id of a user who is in every channel."""

    @abstractmethod
    def fields_of(self, channel_id: ChannelId, timestamp: str) -> JsonObject | None:
        """Returns what a message of the bot consists of; None if it is gone."""

    @abstractmethod
    def has_reaction(self, channel_id: ChannelId, timestamp: str, reaction: str) -> bool:
        """Returns whether the bot has reacted to the message."""

    @abstractmethod
    def delete_message(self, channel_id: ChannelId, timestamp: str) -> None:
        """Deletes any message as a person."""

    @abstractmethod
    def seen_by_person_only(self) -> list[str]:
        """Returns the texts of ephemeral messages."""

    @abstractmethod
    def new_response_url(self, channel_id: ChannelId, timestamp: str = "") -> str:
        """Returns the address to answer an interaction of the person."""

    @abstractmethod
    def new_trigger(self) -> str:
        """Returns the trigger of an interaction of the person."""

    @abstractmethod
    def view_content(self, view_id: str) -> JsonObject:
        """Returns what a view consists of."""

    @abstractmethod
    def file_content(self, file_id: str) -> bytes | None:
        """Returns the content of an uploaded file."""
