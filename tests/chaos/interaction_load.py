"""The load of the variant `interactions`: what people do with the app, and the commands that answer it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.slack.delivery.queue import PendingDelivery
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.slack.web_api.api import MethodCall
from tests.chaos.load import Load, QueuedAction

KEYS: Final = ("deployment", "alert", "poll")
_SHARE: Final = 0.7
"""Of the steps, that are interactions or commands of this load."""
_WEIGHTS: Final = {
    "click": 12,
    "command": 8,
    "shortcut": 4,
    "submission": 6,
    "reaction": 8,
    "update": 8,
    "keyed": 10,
    "upload": 4,
    "react": 5,
    "schedule": 4,
}
_BUTTON: Final = {
    "type": "actions",
    "elements": [{"type": "button", "action_id": "go", "value": "go", "text": {"type": "plain_text", "text": "Go"}}],
}
_VIEW: Final = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Text"},
            "element": {"type": "plain_text_input", "action_id": "a"},
        }
    ],
}
_FAR_FUTURE_SECONDS: Final = 86_400


@dataclass(slots=True)
class GivenReaction:
    """A reaction that a person added; each has a name of its own."""

    name: str
    was_given_up: bool = False
    """Whether Slack gave up delivering it; no history lists it."""


class InteractionLoad(Load):
    """Besides messages and posts: clicks, commands, shortcuts, submissions, reactions, and what changes messages."""

    def __init__(self, slack: SlackServer, flyte: FlyteServer, rng: Random) -> None:
        super().__init__(slack, flyte, rng)
        self.interactions: Final[list[Interaction]] = []
        self.reactions: Final[dict[str, GivenReaction]] = {}
        self.updates: Final[dict[tuple[str, str], list[QueuedAction]]] = {}
        """By message of the bot, in the order in which they were queued."""
        self.keyed: Final[dict[tuple[str, str], list[QueuedAction]]] = {}
        """By channel and key, in the order in which they were queued."""
        self._unjoined = slack.add_channel("unjoined", members=self._people)
        self._buttons = {channel: self._post_button(channel) for channel in (*self.channels, self._unjoined)}
        self._boards = {channel: self._post_board(channel) for channel in self.channels}

    def step(self) -> None:
        """Does one thing."""
        if self._rng.random() > _SHARE:
            super().step()
            return
        [kind] = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
        self._steps[kind](self._next_marker())

    def on_given_up(self, delivery: PendingDelivery) -> None:
        """Records that Slack will not deliver this event any more."""
        super().on_given_up(delivery)
        if (name := str(delivery.event.get("reaction"))) in self.reactions:
            self.reactions[name].was_given_up = True

    @property
    def _steps(self) -> dict[str, Callable[[str], None]]:
        return {
            "click": self._click,
            "command": self._run_command,
            "shortcut": self._use_shortcut,
            "submission": self._submit,
            "reaction": self._react,
            "update": self._queue_update,
            "keyed": self._queue_keyed,
            "upload": self._queue_upload,
            "react": self._queue_reaction,
            "schedule": self._queue_scheduled,
        }

    def _click(self, _marker: str) -> None:
        channel = self._rng.choice(list(self._buttons))
        self.interactions.append(self._slack.click(self._person(), channel, self._buttons[channel], "go"))

    def _run_command(self, marker: str) -> None:
        channel = self._rng.choice([*self.channels, self._unjoined])
        self.interactions.append(self._slack.run_command(self._person(), channel, "/deploy", marker))

    def _use_shortcut(self, marker: str) -> None:
        self.interactions.append(self._slack.use_shortcut(self._person(), marker))

    def _submit(self, marker: str) -> None:
        person = self._person()
        arguments = {"trigger_id": self._slack.new_trigger(person), "view": _VIEW}
        view_id = self._call("views.open", arguments)["view"]["id"]
        self.interactions.append(self._slack.submit(person, view_id, {"a": marker}))

    def _react(self, marker: str) -> None:
        channel = self._rng.choice(self.channels)
        self.reactions[marker] = GivenReaction(marker)
        self._slack.react(self._person(), channel, self._buttons[channel], marker)

    def _queue_update(self, marker: str) -> None:
        channel = self._rng.choice(self.channels)
        board = channel, self._boards[channel]
        text = f"board {marker}"
        action = self._queue("UpdateMessage", marker, channelId=channel, timestamp=board[1], message=text)
        self.updates.setdefault(board, []).append(action)
        self.actions.append(action)

    def _queue_keyed(self, marker: str) -> None:
        channel, key = self._rng.choice(self.channels), self._rng.choice(KEYS)
        text = f"keyed {key} {marker}"
        action = self._queue("SendMessage", marker, channelId=channel, message=text, messageKey=key)
        self.keyed.setdefault((channel, key), []).append(action)
        self.actions.append(action)

    def _queue_upload(self, marker: str) -> None:
        channel = self._rng.choice(self.channels)
        file = {"filename": f"{marker}.txt", "content": marker * 100}
        self.actions.append(self._queue("UploadFile", marker, channelId=channel, message=f"file {marker}", **file))

    def _queue_reaction(self, marker: str) -> None:
        channel = self._rng.choice(self.channels)
        board = {"channelId": channel, "timestamp": self._boards[channel]}
        self.actions.append(self._queue("AddReaction", marker, **board, reaction=marker))

    def _queue_scheduled(self, marker: str) -> None:
        channel = self._rng.choice(self.channels)
        post_at = int(self._slack.now()) + _FAR_FUTURE_SECONDS + self._rng.randrange(_FAR_FUTURE_SECONDS)
        action = self._queue("ScheduleMessage", marker, channelId=channel, message=f"later {marker}", postAt=post_at)
        self.actions.append(action)

    def scheduled_texts(self) -> list[str]:
        """Returns the texts of all scheduled messages."""
        return [
            str(message["text"])
            for channel in self.channels
            for message in self._call("chat.scheduledMessages.list", {"channel": channel, "limit": 1000})[
                "scheduled_messages"
            ]
        ]

    def is_settled(self) -> bool:
        """Whether every interaction has been acknowledged or has failed."""
        return all(one.state is not InteractionState.SENT for one in self.interactions)

    def _call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Calls a method of the simulated Slack, without the pack's knowledge."""
        slack = self._slack
        call = MethodCall(method, arguments, slack.workspace, slack.access, slack.log)
        return slack.methods[method].run(call)

    def _post_button(self, channel: str) -> str:
        return self._slack.say_as_bot("board", channel, "press", blocks=[_BUTTON])

    def _post_board(self, channel: str) -> str:
        place = self._slack.workspace.channel(channel)
        author = {"user": self._slack.bot_user_id, "bot_id": self._slack.bot_id}
        return self._slack.workspace.post(place, {**author, "text": "board"}).ts

    def _person(self) -> str:
        return self._rng.choice(self._people)
