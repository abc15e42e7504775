"""Flow tests in Python: the same steps as in files, as method calls."""

import io
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from adapters.memory.clock import VirtualTimeLoop
from entrypoints.flow_tests.expected import (
    DEFAULT_TIMEOUT_SECONDS,
    Expected,
    ExpectedCommand,
    ExpectedDeletion,
    ExpectedDirectMessage,
    ExpectedEphemeral,
    ExpectedEvent,
    ExpectedFile,
    ExpectedHome,
    ExpectedMessage,
    ExpectedModal,
    ExpectedReaction,
    ExpectedUpdate,
)
from entrypoints.flow_tests.model import Expect, ExpectNothing, TestStep
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.reporting.console import report_details
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed
from entrypoints.flow_tests.runtime.runner import Runner
from entrypoints.flow_tests.runtime.seeded_random import SeededRandom
from entrypoints.flow_tests.steps import (
    Choose,
    Click,
    CloseModal,
    Delete,
    Edit,
    FlyteFault,
    Invite,
    OpenHome,
    RaiseEvent,
    React,
    Remove,
    RunCommand,
    Say,
    SlackFault,
    Submit,
    Unreact,
    Upload,
    UseShortcut,
    Wait,
)
from entrypoints.simulation.console.output import PlainOutput
from entrypoints.simulation.flyte.document_fields import template_tree
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.pongo2.template import Template
from entrypoints.terminal_text import printable


class FlowConversation:
    """A conversation with flows; `open_conversation` opens one.

    Not for use in coroutines. Texts are templates, as in files; times are seconds of virtual time. `say` and `expect`
    return names for messages. A failed expectation raises an AssertionError that shows the conversation.
    """

    def __init__(self, loop: VirtualTimeLoop, runner: Runner) -> None:
        self._loop = loop
        self._runner = runner
        self._random = SeededRandom()
        self._names = 0
        self._has_failed = False

    def say(self, text: str, *, by: str = "", room: str = "", thread: str = "") -> str:
        """Posts a message; speaker and room default to those of the previous call. Returns the message's name."""
        name = self._new_name()
        self._run_step(Say(text=Template(text), speaker=by, room=room, thread=thread, name=name))
        return name

    def click(self, element: str, *, message: str = "", by: str = "", room: str = "") -> None:
        """Clicks a button, by what is written on it or by its `action_id`; see `choose` for where it is."""
        self._run_step(Click(element=Template(element), message=message, speaker=by, room=room))

    def choose(
        self, choice: str | Sequence[str], *, element: str = "", message: str = "", by: str = "", room: str = ""
    ) -> None:
        """Chooses an option, a name, a date or a time, or several of them.

        Without a message the element is in the person's open modal, or else in the latest message that has one.
        """
        named = Template(element) if element else None
        chosen = template_tree(choice if isinstance(choice, str) else list(choice))
        self._run_step(Choose(choice=chosen, element=named, message=message, speaker=by, room=room))

    def submit(self, values: Mapping[str, str | int | Sequence[str]] | None = None, *, by: str = "") -> None:
        """Fills in the person's open modal, by labels or `action_id`s, and submits it."""
        entered = {
            name: value if isinstance(value, str | int) else list(value) for name, value in (values or {}).items()
        }
        self._run_step(Submit(values=template_tree(entered), speaker=by))

    def close_modal(self, *, by: str = "", is_cleared: bool = False) -> None:
        """Closes the person's open modal, or all that lie on one another."""
        self._run_step(CloseModal(which="all" if is_cleared else "modal", speaker=by))

    def react(self, emoji: str, *, message: str = "", by: str = "", room: str = "") -> None:
        """Adds a reaction to a message, by default the latest."""
        self._run_step(React(emoji=emoji, message=message, speaker=by, room=room))

    def unreact(self, emoji: str, *, message: str = "", by: str = "", room: str = "") -> None:
        """Withdraws a reaction."""
        self._run_step(Unreact(emoji=emoji, message=message, speaker=by, room=room))

    def edit(self, text: str, *, message: str = "", by: str = "") -> None:
        """Changes a message of a person, by default the latest one."""
        self._run_step(Edit(text=Template(text), message=message, speaker=by))

    def delete(self, message: str, *, by: str = "") -> None:
        """Deletes a message of a person."""
        self._run_step(Delete(message=message, speaker=by))

    def slash(self, command: str, *, by: str = "", room: str = "") -> None:
        """Runs a slash command, given with its slash and its text."""
        self._run_step(RunCommand(command=Template(command), speaker=by, room=room))

    def shortcut(self, callback_id: str, *, message: str = "", by: str = "") -> None:
        """Uses the shortcut of a message, or without a message a global one."""
        self._run_step(UseShortcut(callback_id=callback_id, message=message, speaker=by))

    def upload(
        self, filename: str, content: str = "", *, text: str = "", by: str = "", room: str = "", thread: str = ""
    ) -> str:
        """Shares a file with a text beside it. Returns the message's name."""
        name, beside = self._new_name(), Template(text) if text else None
        self._run_step(
            Upload(
                filename=filename,
                content=Template(content),
                text=beside,
                speaker=by,
                room=room,
                thread=thread,
                name=name,
            )
        )
        return name

    def open_home(self, *, by: str = "") -> None:
        """Opens the app's Home tab."""
        self._run_step(OpenHome(what="home", speaker=by))

    def event(self, pack: str, event: str, payload: object = None, labels: Mapping[str, str] | None = None) -> None:
        """Sends an event from a pack."""
        self._run_step(RaiseEvent(pack=pack, event=event, payload=template_tree(payload), labels=labels or {}))

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self._run_step(Wait(seconds=seconds))

    def invite(self, room: str) -> None:
        """Invites the bot to a channel."""
        self._run_step(Invite(room=room))

    def remove(self, room: str) -> None:
        """Removes the bot from a channel."""
        self._run_step(Remove(room=room))

    def slack(
        self, answer: str, *, seconds: float | None = None, times: int | None = None, call: str = "post",
        is_posted: bool = True,
    ) -> None:  # fmt: skip
        """Makes Slack fail; see SlackFault."""
        self._run_step(SlackFault(answer=answer, seconds=seconds, times=times, call=call, is_posted=is_posted))

    def flyte(self, state: str, *, seconds: float | None = None, times: int | None = None) -> None:
        """Makes Flyte fail (`down`, `fails`) or work again (`works`)."""
        self._run_step(FlyteFault(state=state, seconds=seconds, times=times))

    def expect(
        self, text: object = None, *, room: str = "", thread: str = "", fields: object = None,
        actions: Sequence[str] | None = None, within: float = DEFAULT_TIMEOUT_SECONDS, after: float = 0.0,
    ) -> str:  # fmt: skip
        """Expects a message from the bot: a text, or an object with `matches` or `contains`. Returns its name.

        `actions` are the labels of everything in it that can be clicked or chosen; so they are below.
        """
        name = self._new_name()
        content = _content(text, fields, actions)
        self._expect(ExpectedMessage(**content, room=room, thread=thread, name=name, within=within, after=after))
        return name

    def expect_update(
        self, text: object = None, *, message: str = "", fields: object = None, actions: Sequence[str] | None = None,
        within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        """Expects that the bot changes a message."""
        self._expect(ExpectedUpdate(**_content(text, fields, actions), message=message, within=within))

    def expect_deletion(self, message: str, *, within: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Expects that the bot deletes a message."""
        self._expect(ExpectedDeletion(message=message, within=within))

    def expect_reaction(
        self, emoji: str, *, message: str = "", is_removed: bool = False, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expects that the bot adds a reaction, or removes it."""
        self._expect(ExpectedReaction(emoji=emoji, message=message, is_removed=is_removed, within=within))

    def expect_ephemeral(
        self, text: object = None, *, to: str = "", room: str = "", thread: str = "", fields: object = None,
        actions: Sequence[str] | None = None, within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> str:  # fmt: skip
        """Expects a message that one person sees, by default who acted last. Returns its name."""
        name, content = self._new_name(), _content(text, fields, actions)
        self._expect(ExpectedEphemeral(**content, person=to, room=room, thread=thread, name=name, within=within))
        return name

    def expect_direct(
        self, text: object = None, *, to: str = "", thread: str = "", fields: object = None,
        actions: Sequence[str] | None = None, within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> str:  # fmt: skip
        """Expects a direct message from the bot to a person, by default who acted last. Returns its name."""
        name, content = self._new_name(), _content(text, fields, actions)
        self._expect(ExpectedDirectMessage(**content, person=to, thread=thread, name=name, within=within))
        return name

    def expect_modal(
        self, title: object = None, *, to: str = "", text: object = None, fields: object = None,
        actions: Sequence[str] | None = None, within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        """Expects a modal with this title, opened or changed; `text` is that of its blocks."""
        content = _content(text, fields, actions)
        self._expect(ExpectedModal(**content, title=template_tree(title), person=to, within=within))

    def expect_home(
        self, text: object = None, *, to: str = "", fields: object = None, actions: Sequence[str] | None = None,
        within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        """Expects something on the Home tab of a person, by default who acted last."""
        self._expect(ExpectedHome(**_content(text, fields, actions), person=to, within=within))

    def expect_file(
        self, filename: object = None, *, content: object = None, title: object = None, text: object = None,
        room: str = "", thread: str = "", within: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> str:  # fmt: skip
        """Expects a file from the bot; `text` is that of the message with it. Returns the message's name."""
        name = self._new_name()
        expected = ExpectedFile(
            filename=template_tree(filename), content=template_tree(content), title=template_tree(title),
            text=template_tree(text), room=room, thread=thread, name=name, within=within,
        )  # fmt: skip
        self._expect(expected)
        return name

    def expect_command(
        self, command: str, *, pack: str = "", input_: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expects a command from a flow."""
        self._expect(ExpectedCommand(command=command, pack=pack, input=template_tree(input_), within=within))

    def expect_event(
        self, event: str, *, pack: str = "", payload: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expects an event from a pack."""
        self._expect(ExpectedEvent(event=event, pack=pack, payload=template_tree(payload), within=within))

    def expect_nothing(self, seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Expects that the bot posts nothing and no flow sends a command for some time."""
        self._run_step(ExpectNothing(seconds=seconds))

    def end(self) -> None:
        """Waits for everything that still follows. Raises AssertionError for an unexpected message."""
        if not self._has_failed:  # one failure is enough
            self._run(self._runner.finish())

    def _expect(self, expected: Expected) -> None:
        self._run_step(Expect(expected=[expected]))

    def _run_step(self, step: TestStep) -> None:
        self._run(self._runner.run_step(step))

    def _run(self, operation: Coroutine[Any, Any, None]) -> None:
        with silent_logs(), self._random.active():
            try:
                self._loop.run_until_complete(self._runner.run_guarded(operation))
            except (ExpectationFailed, RenderError) as error:
                failure = self._loop.run_until_complete(self._runner.diagnose(error))
            else:
                return
        self._has_failed = True
        report = io.StringIO()
        report_details(PlainOutput(report), failure)
        raise AssertionError(f"{printable(failure.reason)}\n{report.getvalue()}")

    def _new_name(self) -> str:
        self._names += 1
        return f"message_{self._names}"


def _content(text: object, fields: object, actions: Sequence[str] | None) -> dict[str, Any]:
    labels = None if actions is None else list(actions)
    return {"text": template_tree(text), "fields": template_tree(fields), "actions": template_tree(labels)}
