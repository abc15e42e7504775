"""The input of a chat command, as its use case reads it."""

import base64
import json
from dataclasses import dataclass

from domain.channels import ChannelId
from domain.json_values import Json, JsonObject

_STANDARD_ALPHABET = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class CommandInput:
    """The fields of a command's input, whose types have been checked."""

    fields: JsonObject

    def text(self, name: str) -> str:
        """Returns a text; empty if there is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    @property
    def channel_id(self) -> ChannelId:
        """The field `channelId`."""
        return ChannelId(self.text("channelId"))

    def is_set(self, name: str) -> bool:
        """Returns whether a boolean is true, also as a text."""
        value = self.fields.get(name)
        return value is True or (isinstance(value, str) and value.lower() == "true")

    def json(self, name: str) -> Json:
        """Returns a list or an object; templates of flows produce it as a string. None if it is empty."""
        return _parsed(self.fields.get(name)) or None

    def object(self, name: str) -> JsonObject:
        """Returns an object; an empty one if there is none."""
        value = self.json(name)
        return value if isinstance(value, dict) else {}

    def at(self, path: str) -> str:
        """Returns the text at a path, whose dots lead into objects; empty if there is none."""
        field, _, inner = path.partition(".")
        return CommandInput(self.object(field)).at(inner) if inner else self.text(field)

    @property
    def content(self) -> bytes:
        """The content of a file: the field `content` as UTF-8, or else `contentBase64`. Raises ValueError.

        Templates of flows produce the URL-safe alphabet without padding, most other programs the standard one with it.
        """
        if text := self.text("content"):
            return text.encode()
        encoded = "".join(self.text("contentBase64").split()).translate(_STANDARD_ALPHABET).rstrip("=")
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)

    @property
    def content_size(self) -> int:
        """The number of bytes of that content; 0 if it is not valid."""
        try:
            return len(self.content)
        except ValueError:
            return 0

    @property
    def message_fields(self) -> JsonObject:
        """The chat service's fields of a message given by `message`, `blocks` and `threadTimestamp`."""
        given: JsonObject = {
            "text": self.text("message"),
            "blocks": self.json("blocks"),
            "thread_ts": self.text("threadTimestamp"),
        }
        return {name: value for name, value in given.items() if value}

    @property
    def passed_on(self) -> JsonObject:
        """The chat service's fields of a message that takes any of them; `message` is another name for `text`."""
        ours = ("channelId", "timestamp", "message")
        fields = {name: value for name, value in self.fields.items() if name not in ours}
        for name in {"blocks", "attachments"} & fields.keys():
            fields[name] = _parsed(fields[name]) or []
        return fields | ({"text": message} if (message := self.text("message")) else {})


def _parsed(value: Json) -> Json:
    return json.loads(value) if isinstance(value, str) and value else value
