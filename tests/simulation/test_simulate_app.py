"""People use the app in the console: buttons, menus, modals, commands and shortcuts."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.session import InvalidInput
from entrypoints.simulation.console.terminal import CommandCompleter
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from tests.support.console import ConsoleDriver, open_console
from tests.support.pages import ROOT

DESK = flow_from_file(ROOT / "tests" / "support" / "desk.yaml")
BOTH = pytest.mark.parametrize("where", ["loopback", "memory"])


async def refusal(console: ConsoleDriver, line: str) -> str:
    with pytest.raises(InvalidInput) as error:
        await console.run(line)
    return str(error.value)


def completed(console: ConsoleDriver, text: str) -> list[str]:
    found = CommandCompleter(console.session).get_completions(Document(text), CompleteEvent())
    return [completion.text for completion in found]


@BOTH
async def test_a_button_is_clicked_and_its_message_changes(where: str) -> None:
    async with open_console(where, flows=[DESK]) as console:
        await console.run("deploy", "/as bob")
        output = await console.run("/click Approve")

    assert output == "#general flyte updates: approved by <@U00000002S>\n"


async def test_what_can_be_used_in_a_message_is_told() -> None:
    async with open_console(flows=[DESK], detail=Detail.ON) as console:
        output = await console.run("deploy")

    assert "    actions Approve, Reject, Where to (Staging, Production)\n" in output


async def test_an_answer_to_one_person_is_told() -> None:
    async with open_console(flows=[DESK]) as console:
        await console.run("deploy")
        output = await console.run("/choose Where to = Production")

    assert output == "#general (only alice sees it) flyte: prod it is\n"


async def test_a_message_is_given_by_its_number() -> None:
    async with open_console(flows=[DESK], detail=Detail.ON) as console:
        await console.run("deploy", "deploy")
        output = await console.run("/click 2 Reject")

    assert "#general deleted (message [2])\n" in output


@BOTH
async def test_a_slash_command_opens_a_modal_that_is_submitted(where: str) -> None:
    async with open_console(where, flows=[DESK]) as console:
        opened = await console.run("/slash /deploy shop")
        submitted = await console.run("/submit Version = 1.2; Environment = Production")

    assert opened == (
        "alice sees the modal Deploy:\n    | What is to go live, shop?\n    | Version\n    | Environment\n"
    )
    assert submitted == "the modal Deploy of alice is closed\n@flyte flyte: 1.2 goes to prod\n"


async def test_the_fields_of_a_modal_are_told() -> None:
    async with open_console(flows=[DESK], detail=Detail.ON) as console:
        output = await console.run("/slash deploy shop")

    assert "    actions Version, Environment (Staging, Production)\n" in output


async def test_a_modal_is_closed() -> None:
    async with open_console(flows=[DESK]) as console:
        output = await console.run("/slash /deploy", "/close")

    assert output.endswith("the modal Deploy of alice is closed\n@flyte flyte: never mind\n")


async def test_shortcuts_are_used() -> None:
    async with open_console(flows=[DESK]) as console:
        await console.run("hello")
        assert await console.run("/shortcut explain 1") == "#general (only alice sees it) flyte: about hello\n"
        assert await console.run("/shortcut report") == "the Home tab of alice:\n    | All is well\n"


async def test_the_home_tab_is_shown_when_it_is_opened() -> None:
    async with open_console(flows=[DESK]) as console:
        assert await console.run("/home") == "the app shows alice nothing on its Home tab yet\n"
        published = await console.run("/shortcut report")

        assert published == await console.run("/home") == "the Home tab of alice:\n    | All is well\n"


async def test_files_are_shared_and_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    async with open_console(flows=[DESK]) as console:
        output = await console.run(f"/upload {tmp_path / 'notes.txt'} for you")

    indented = " " * len("#general alice: ")
    assert output == (
        f"#general alice: for you\n{indented}(file notes.txt, 5 bytes)\n"
        f"#general flyte: as you wished\n{indented}(file report.csv, 28 bytes)\n"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/click Aprove", "there is no button 'Aprove' in message [2]; there is Approve (approve), Reject (reject)"),
        ("/click", "/click [NUMBER] BUTTON, such as"),
        ("/choose Moon", "there is no option Moon; there are: Staging, Production"),
        ("/choose", "/choose [NUMBER] [FIELD =] CHOICE, such as"),
        ("/submit", "alice sees no modal"),
        ("/submit Version", "write /submit FIELD = VALUE; FIELD = VALUE, such as"),
        ("/submit Why = a; b", "there is no = in 'b', and a semicolon ends a value; write /submit"),
        ("/slash", "/slash COMMAND [TEXT], such as"),
        ("/shortcut", "/shortcut NAME [NUMBER]: the callback_id"),
        ("/upload none.txt", "none.txt is no file"),
        (
            "/deploy shop",
            "there is no command /deploy; /help lists them. If it is one of the app, type /slash /deploy shop",
        ),
    ],
)
async def test_a_mistake_is_answered_with_what_there_is(line: str, message: str) -> None:
    async with open_console(flows=[DESK]) as console:
        await console.run("deploy")

        assert message in await refusal(console, line)


async def test_a_form_that_slack_would_not_submit_is_refused() -> None:
    async with open_console(flows=[DESK]) as console:
        await console.run("/slash /deploy shop")

        assert await refusal(console, "/submit Version = 1") == (
            "the form cannot be submitted: Environment: Please complete this required field."
        )


async def test_what_can_be_used_is_completed() -> None:
    async with open_console(flows=[DESK]) as console:
        await console.run("deploy")
        assert completed(console, "/click ") == ["Approve", "Reject"]
        assert completed(console, "/choose ") == ["Where to =", "Staging", "Production"]
        await console.run("/slash /deploy shop")
        assert completed(console, "/submit V") == ["Version ="]
        assert completed(console, "/slash ") == ["/deploy"]
