"""Does what the app's acknowledgement of an interaction asks for, or tells the person that there was none."""

from typing import Final

from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.web_api.response_urls import ResponseUrls
from entrypoints.simulation.slack.web_api.views import Views
from entrypoints.simulation.slack.workspace import WorkspaceState

SLASH_COMMANDS: Final = "slash_commands"
_FAILED: Final = "{command} failed with the error “operation_timeout”"
"""Slack's message to the user of a slash command that the app did not acknowledge."""


class Answers:
    """Takes the ends of interactions."""

    def __init__(self, workspace: WorkspaceState, views: Views, response_urls: ResponseUrls) -> None:
        self._workspace = workspace
        self._views = views
        self._response_urls = response_urls

    def take(self, interaction: Interaction) -> None:
        """Shows the reply to a command, and closes or changes a modal that was submitted."""
        has_failed = interaction.state is InteractionState.FAILED
        payload, response = interaction.payload, interaction.response
        if interaction.kind == SLASH_COMMANDS:
            self._reply(payload, _FAILED.format(**payload) if has_failed else response)
        elif interaction.kind == "view_submission" and has_failed:
            self._views.fail(payload["user"]["id"], payload["view"]["id"], interaction.failure)
        elif interaction.kind == "view_submission":
            self._views.take_answer(payload["user"]["id"], payload["view"]["id"], response)

    def _reply(self, command: JsonObject, reply: JsonObject | str | None) -> None:
        channel = self._workspace.channels.get(str(command.get("channel_id")))
        if reply and channel is not None:
            fields: JsonObject = {"text": reply} if isinstance(reply, str) else reply
            self._response_urls.reply(channel, command["user_id"], fields)
