"""People's activities other than messages, as lines of a conversation, each with its own trace."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from entrypoints.simulation.slack.app_use.choices import label_of
from entrypoints.simulation.slack.event_log import EventRaised, InteractionSent, SlackEvent
from entrypoints.simulation.slack.models import MICROSECONDS, JsonObject, format_ts
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.trace.sources import source_of_interaction
from entrypoints.simulation.web.trace.trace import MessageKey

_REACTIONS: Final = {"reaction_added": "reacts with", "reaction_removed": "takes back"}
_MAX_CHOICES: Final = 5


@dataclass(frozen=True, slots=True)
class Activity:
    """What a person did; `key` is its place among the messages."""

    key: MessageKey
    user: str
    text: str
    """As Slack encodes it."""
    source: str
    """See `sources`."""
    reaches_bot: bool
    thread: str = ""

    def as_json(self, name: str) -> JsonObject:
        """Returns the line as the page shows it, with the person's name."""
        line = {"user": self.user, "name": name, "text": self.text, "thread": self.thread}
        return line | {"is_activity": True, "is_bot": False, "is_notice": False, "is_edited": False, "reactions": []}


class ActivityReader:
    """Reads activities from the events of a SlackServer."""

    def __init__(self, slack: SlackServer) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._places: dict[str, str] = {}
        self._last_microseconds = 0

    def look_at(self, user: str, channel: str) -> None:
        """Records which conversation a user looks at: what they do in forms is shown there."""
        self._places[user] = channel

    def read(self, event: SlackEvent) -> Activity | None:
        """Returns what a person did; None for everything else that happens."""
        match event:
            case InteractionSent(interaction_id=interaction_id):
                return self._interaction(self._slack.interactions[interaction_id].payload)
            case EventRaised(event=fields) if fields["type"] in _REACTIONS:
                return self._reaction(fields, reaches_bot=event.reaches_bot)
            case _:
                return None

    def _interaction(self, payload: JsonObject) -> Activity:
        user = str(payload.get("user_id") or payload["user"]["id"])
        channel = str(payload.get("channel_id") or payload.get("channel", {}).get("id") or self._place(user))
        self._places[user] = channel
        message = payload.get("message") or payload.get("container", {})
        thread = str(message.get("thread_ts") or "")
        key = channel, self._next_ts()
        return Activity(key, user, _text(payload), source_of_interaction(payload), reaches_bot=True, thread=thread)

    def _reaction(self, fields: JsonObject, *, reaches_bot: bool) -> Activity | None:
        if fields["user"] == self._slack.bot_user_id:
            return None
        channel, ts = fields["item"]["channel"], fields["item"]["ts"]
        message = self._workspace.channels[channel].messages[ts]
        thread = message.fields["thread_ts"] if message.is_reply else ""
        text = f"{_REACTIONS[fields['type']]} :{fields['reaction']}:"
        key = channel, fields["event_ts"]
        return Activity(key, fields["user"], text, fields["event_ts"], reaches_bot=reaches_bot, thread=thread)

    def _place(self, user: str) -> str:
        """Returns the conversation that a user looks at."""
        return self._places.get(user) or next(iter(self._workspace.channels))

    def _next_ts(self) -> str:
        now = int(self._workspace.now() * MICROSECONDS)
        self._last_microseconds = max(self._last_microseconds + 1, now)
        return format_ts(self._last_microseconds)


def _text(payload: JsonObject) -> str:
    if "command" in payload:
        return f"runs `{' '.join(filter(None, (payload['command'], payload['text'])))}`"
    view = label_of({"text": payload.get("view", {}).get("title")})
    match payload.get("type"):
        case "block_actions":
            return "; ".join(map(_use, payload["actions"]))
        case "view_submission":
            return f"submits “{view}”"
        case "view_closed":
            return f"closes “{view}”"
        case "shortcut" | "message_action":
            return f"chooses the shortcut `{payload['callback_id']}`"
        case kind:
            return f"sends `{kind}`"


def _use(action: Mapping[str, Any]) -> str:
    """Describes the use of an element."""
    if action["type"] in ("button", "workflow_button", "icon_button"):
        return f"clicks “{label_of(dict(action)) or action['action_id']}”"
    return f"chooses {_chosen(action) or 'nothing'} in `{action['action_id']}`"


def _chosen(action: Mapping[str, Any]) -> str:
    options = action.get("selected_options") or [action.get("selected_option")]
    labels = [label_of(option) for option in options if option]
    named = ("action_id", "block_id", "action_ts", "type", "text", "url", "selected_option", "selected_options")
    values = [value for name, value in action.items() if name not in named and value not in (None, "", [])]
    texts = labels or [str(part) for value in values for part in (value if isinstance(value, list) else [value])]
    return ", ".join(f"“{text}”" for text in texts[:_MAX_CHOICES])
