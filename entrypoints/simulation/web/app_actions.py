"""People's use of the app on the page: they click, choose, run commands, and fill in forms."""

import base64
import binascii
from typing import Final

from entrypoints.simulation.slack.app_use.elements import find_element
from entrypoints.simulation.slack.app_use.forms import FormIncomplete
from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.web.action_request import ActionMethod, ActionRejected, ActionRequest, ActionResult
from entrypoints.simulation.web.trace.sources import source_of_interaction
from entrypoints.simulation.web.workbench import Workbench

MAX_ID_LENGTH: Final = 255
"""The longest name that an app gives."""
MAX_COMMAND_LENGTH: Final = 4_000
MAX_FILE_LENGTH: Final = 4_000_000
"""The longest file, in characters of base64."""
_ANSWER_SECONDS: Final = 10.0
"""The time limit for an acknowledgement, longer than Slack's."""


class AppActions:
    """The actions by name.

    Each returns once the app has acknowledged it, with the `key` of its trace, and with the `failure` if it did not.
    """

    def __init__(self, workbench: Workbench) -> None:
        self._slack = workbench.slack
        self._activities = workbench.activities
        self._traces = workbench.traces
        self.methods: Final[dict[str, ActionMethod]] = {
            "use-element": self._use_element,
            "use-view-element": self._use_view_element,
            "submit-view": self._submit_view,
            "close-view": self._close_view,
            "run-command": self._run_command,
            "use-shortcut": self._use_shortcut,
            "use-message-shortcut": self._use_message_shortcut,
            "open-home": self._open_home,
            "add-file": self._add_file,
        }

    async def _use_element(self, request: ActionRequest) -> ActionResult:
        person, channel, ts = self._person(request), self._channel(request), request.text("ts")
        name, block_id = request.text("element", MAX_ID_LENGTH), request.text("block", MAX_ID_LENGTH)
        choice = request.choice("choice")
        element = find_element(self._slack.elements(person, channel, ts), name, block_id=block_id)
        if element.is_input:
            self._slack.enter(person, channel, ts, name, choice, block_id=block_id)
            return {}
        return await self._answer(self._slack.click(person, channel, ts, name, choice, block_id=block_id))

    async def _use_view_element(self, request: ActionRequest) -> ActionResult:
        person, view_id = self._looking_person(request), request.text("view")
        name, block_id = request.text("element", MAX_ID_LENGTH), request.text("block", MAX_ID_LENGTH)
        choice = request.choice("choice")
        return await self._answer(self._slack.click_in_view(person, view_id, name, choice, block_id=block_id))

    async def _submit_view(self, request: ActionRequest) -> ActionResult:
        person, view_id = self._looking_person(request), request.text("view")
        for value in request.requests("values"):
            name, block_id = value.text("element", MAX_ID_LENGTH), value.text("block", MAX_ID_LENGTH)
            self._slack.fill(view_id, {name: value.choice("choice")}, block_id=block_id)
        try:
            return await self._answer(self._slack.submit(person, view_id))
        except FormIncomplete as incomplete:
            return {"errors": dict(incomplete.errors)}

    async def _close_view(self, request: ActionRequest) -> ActionResult:
        person, view_id, is_cleared = self._looking_person(request), request.text("view"), request.flag("cleared")
        return await self._answer(self._slack.close_view(person, view_id, is_cleared=is_cleared))

    async def _run_command(self, request: ActionRequest) -> ActionResult:
        person, channel, command = self._person(request), self._channel(request), request.text("command")
        text = request.optional_text("text", MAX_COMMAND_LENGTH)
        return await self._answer(self._slack.run_command(person, channel, command, text))

    async def _use_shortcut(self, request: ActionRequest) -> ActionResult:
        callback_id = request.text("callback", MAX_ID_LENGTH)
        return await self._answer(self._slack.use_shortcut(self._looking_person(request), callback_id))

    async def _use_message_shortcut(self, request: ActionRequest) -> ActionResult:
        person, channel, ts = self._person(request), self._channel(request), request.text("ts")
        callback_id = request.text("callback", MAX_ID_LENGTH)
        return await self._answer(self._slack.use_message_shortcut(person, callback_id, channel, ts))

    async def _open_home(self, request: ActionRequest) -> None:
        self._slack.open_home(self._person(request))

    async def _add_file(self, request: ActionRequest) -> ActionResult:
        return {"file": self._slack.files.add(request.text("name", MAX_ID_LENGTH), read_content(request)).file_id}

    async def _answer(self, interaction: Interaction | None) -> ActionResult:
        if interaction is None:
            return {}
        await self._slack.wait_for(lambda: interaction.state is not InteractionState.SENT, _ANSWER_SECONDS)
        trace = self._traces.by_source.get(source_of_interaction(interaction.payload))
        shown: ActionResult = {"key": "/".join(trace.key)} if trace else {}
        return shown | ({"failure": interaction.failure} if interaction.failure else {})

    def _person(self, request: ActionRequest) -> str:
        return self._slack.workspace.user(request.text("person")).user_id

    def _looking_person(self, request: ActionRequest) -> str:
        """Returns the person, who does in this conversation what belongs to none."""
        person = self._person(request)
        self._activities.look_at(person, self._channel(request))
        return person

    def _channel(self, request: ActionRequest) -> str:
        return self._slack.workspace.channel(request.text("channel")).channel_id


def read_content(request: ActionRequest) -> bytes:
    """Returns the content of a file, which is in base64. Raises ActionRejected."""
    try:
        return base64.b64decode(request.optional_text("content", MAX_FILE_LENGTH), validate=True)
    except binascii.Error as error:
        raise ActionRejected("content is not in base64") from error
