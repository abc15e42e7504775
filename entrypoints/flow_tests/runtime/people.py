"""What people do in a flow test."""

from typing import TYPE_CHECKING, assert_never

from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment
from entrypoints.flow_tests.runtime.names import Names, Scene
from entrypoints.flow_tests.steps import (
    AppStep,
    Choose,
    Click,
    CloseModal,
    Delete,
    Edit,
    MessageStep,
    OpenHome,
    React,
    RunCommand,
    Say,
    Submit,
    Unreact,
    Upload,
    UseShortcut,
)
from entrypoints.simulation.console.controls import Controls
from entrypoints.simulation.workspaces.workspace import (
    ChatMessage,
    Conversation,
    NotAllowed,
    UnknownName,
    UploadedFile,
)

if TYPE_CHECKING:
    from entrypoints.simulation.slack.app_use.choices import Choice


class People:
    """Carries out steps, each by the person and in the room of the one before unless it names others."""

    def __init__(self, environment: FlowTestEnvironment, names: Names) -> None:
        self._workspace = environment.workspace
        self._slack = environment.slack
        self._controls = Controls(environment.slack, environment.transcript)
        self._transcript = environment.transcript
        self._names = names
        self._speaker = self._workspace.handles[0]
        self._label = self._workspace.conversations()[0].label

    @property
    def scene(self) -> Scene:
        """The person and the room of the last step."""
        return Scene(self._label, self._speaker)

    def act(self, step: MessageStep | AppStep) -> None:
        """Carries out a step. Raises UnknownName, which says what there is, and NotAllowed."""
        self._speaker = step.speaker or self._speaker
        self._label = step.room or self._label
        if isinstance(step, MessageStep):
            self._write(step)
        else:
            self._use_app(step)

    def _write(self, step: MessageStep) -> None:
        match step:
            case Say():
                self._say(step)
            case Upload():
                self._upload(step)
            case React(emoji=emoji, message=name):
                message = self._message(name)
                if not self._slack.react(self._speaker, message.channel_id, message.timestamp, emoji.strip(":")):
                    raise NotAllowed(f"{self._speaker} has added :{emoji.strip(':')}: already")
            case Unreact(emoji=emoji, message=name):
                message = self._message(name)
                if not self._slack.unreact(self._speaker, message.channel_id, message.timestamp, emoji.strip(":")):
                    raise NotAllowed(f"{self._speaker} has not added :{emoji.strip(':')}:")
            case Edit(text=text, message=name):
                message = self._message(name, self._speaker)
                self._workspace.edit(self._room(message), message.timestamp, self._names.render_typed(text))
            case Delete(message=name):
                message = self._message(name, self._speaker)
                self._workspace.delete(self._room(message), message.timestamp)
            case _:
                assert_never(step)

    def _use_app(self, step: AppStep) -> None:
        match step:
            case Click(element=element, message=message):
                self._controls.click(self._speaker, self._here, str(self._names.render(element)), self._named(message))
            case Choose():
                self._choose(step)
            case Submit(values=values):
                self._controls.submit(self._speaker, self._names.render(values))  # type: ignore[arg-type] # as the schema has checked
            case CloseModal(which=which):
                self._controls.close(self._speaker, is_cleared=which == "all")
            case RunCommand(command=command):
                name, _, text = str(self._names.render(command)).partition(" ")
                if not name.startswith("/"):
                    raise NotAllowed(f"a command begins with a slash: /{name}")
                self._slack.run_command(self._speaker, self._here.id, name, text.strip())
            case UseShortcut(callback_id=callback_id, message=""):
                self._slack.use_shortcut(self._speaker, callback_id)
            case UseShortcut(callback_id=callback_id, message=name):
                named = self._message(name)
                self._slack.use_message_shortcut(self._speaker, callback_id, named.channel_id, named.timestamp)
            case OpenHome():
                self._slack.open_home(self._speaker)
            case _:
                assert_never(step)

    @property
    def _here(self) -> Conversation:
        return self._workspace.conversation(self._label, self._speaker)

    def _say(self, step: Say) -> None:
        text = str(self._names.render(step.text)) if step.is_raw else self._names.render_typed(step.text)
        thread_timestamp = self._names.thread_timestamp(step.thread)
        timestamp = self._workspace.say(self._speaker, self._here, text, thread_timestamp)
        self._define(step.name, timestamp)

    def _upload(self, step: Upload) -> None:
        content = str(self._names.render(step.content)) if step.content else step.filename
        text = self._names.render_typed(step.text) if step.text else ""
        file = UploadedFile(step.filename, content.encode(), text)
        thread_timestamp = self._names.thread_timestamp(step.thread)
        self._define(step.name, self._workspace.upload(self._speaker, self._here, file, thread_timestamp))

    def _choose(self, step: Choose) -> None:
        choice: Choice = self._names.render(step.choice)  # type: ignore[assignment] # as the schema has checked
        element = str(self._names.render(step.element)) if step.element else ""
        self._controls.choose(self._speaker, self._here, choice, element, self._named(step.message))

    def _named(self, name: str) -> ChatMessage | None:
        return self._message(name) if name else None

    def _message(self, name: str, author: str = "") -> ChatMessage:
        """Returns the message with a name; for no name the latest of the room, by this author if one is given."""
        found = self._names.message(name) if name else self._transcript.latest(self._here.id, author)
        if found is None:
            of = f" of {author}" if author else ""
            raise UnknownName(f"there is no message '{name}'" if name else f"{self._label} has no message{of} yet")
        if author not in ("", found.speaker):
            raise NotAllowed(f"the message is {found.speaker}'s, not {author}'s")
        return found

    def _room(self, message: ChatMessage) -> Conversation:
        return self._workspace.conversation(message.channel_label, self._speaker)

    def _define(self, name: str, timestamp: str) -> None:
        number = self._transcript.number(self._here.id, timestamp)
        self._names.define(name, self._transcript.message(number) if number else None)
