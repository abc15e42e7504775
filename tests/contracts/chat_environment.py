"""What the contracts of the parts of Chat need to prepare and to inspect."""

from abc import abstractmethod

from domain.channels import ChannelId
from domain.json_values import JsonObject
from tests.contracts.chat_contract import OwnClockEnvironment


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
