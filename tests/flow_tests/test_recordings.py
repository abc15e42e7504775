"""Recorded sessions: conversion to flow tests, and replay."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.recording.entries import (
    ActionCompleted,
    ActionTaken,
    ChatRequested,
    Entry,
    Identified,
    MembershipChanged,
    MessagePosted,
    MessageReceived,
    UserLookedUp,
)
from adapters.recording.schemas import dump_entry
from domain.json_values import Json
from entrypoints.cli.commands import main
from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.model import START
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.recordings.session import Session
from entrypoints.flow_tests.recordings.to_test import flow_test_from
from tests.flow_tests.running import ASKING, THREADED
from tests.support.pages import ROOT
from tests.support.simulated import simulate

DESK = ROOT / "tests" / "support" / "desk.yaml"
ME = Identified(at=START, user_id="UBOT", bot_id="BBOT")
ZOE = UserLookedUp(at=START, user_id="U7", name="Zoë Z.", title="", first_name="Zoë", last_name="")


def heard(
    text: str, timestamp: str, *, at: float = 0, by: str = "U7", room: str = "C1", thread: str = ""
) -> MessageReceived:
    return MessageReceived(
        at=START + timedelta(seconds=at),
        channel_id=room,
        timestamp=timestamp,
        text=text,
        user_id=by,
        bot_id="BBOT" if by == "UBOT" else "",
        thread_timestamp=thread,
        is_direct=room.startswith("D"),
    )


def posted(
    text: str, timestamp: str, *, at: float = 0, room: str = "C1", thread: str = "", error: str = ""
) -> MessagePosted:
    fields = {"channel": room, "text": text} | ({"thread_ts": thread} if thread else {})
    return MessagePosted(
        at=START + timedelta(seconds=at), channel_id=room, fields={**fields}, timestamp=timestamp, error=error
    )


def write_recording(folder: Path, *entries: Entry) -> Path:
    path = folder / "session.jsonl"
    path.write_text("".join(json.dumps(dump_entry(entry)) + "\n" for entry in entries))
    return path


def steps(folder: Path, *entries: Entry) -> list[str]:
    """Returns the lines of the steps made from a recording."""
    text = flow_test_from(write_recording(folder, ME, ZOE, *entries), folder, [], [])
    return [line.removeprefix("  ") for line in text.partition("steps:\n")[2].splitlines()]


def test_messages_of_people_are_posted_and_those_of_the_bot_expected(tmp_path: Path) -> None:
    assert steps(
        tmp_path,
        heard("hi", "1.1", at=1),
        posted("hello", "1.2", at=1.1),
        posted("there", "1.3", at=1.2),
        heard("bye", "1.4", at=61, by="U8"),
    ) == [
        "- wait: 1s", "- say: hi", "  as: zo_z", '  in: "#C1"',
        "- expect:", "  - message: hello", "  - message: there",
        "- wait: 60s", "- say: bye", "  as: person2",
    ]  # fmt: skip


@pytest.mark.parametrize("as_sent", [list, json.dumps])
def test_the_text_of_blocks_is_expected_also_if_a_template_has_written_them(
    as_sent: Callable[[list[Json]], Json], tmp_path: Path
) -> None:
    blocks = as_sent([{"type": "section", "text": {"type": "mrkdwn", "text": "Really?"}}])
    question = replace(posted("Deploy?", "1.2"), fields={"channel": "C1", "text": "Deploy?", "blocks": blocks})

    assert steps(tmp_path, heard("deploy", "1.1"), question)[-1] == '  - message: "Deploy?\\n| Really?"'


def test_the_channels_of_a_simulation_are_called_by_their_names(tmp_path: Path) -> None:
    assert '  in: "#general"' in steps(tmp_path, heard("hi", "1.1", room="CCE29364AS"))


def test_threads_and_direct_messages_are_preserved(tmp_path: Path) -> None:
    assert steps(
        tmp_path,
        heard("a", "1.1"),
        posted("b", "1.2", thread="1.1"),
        heard("c", "1.3", thread="1.1"),
        heard("d", "1.4", room="D1"),
        posted("e", "1.5", room="D1"),
    ) == [
        "- say: a", "  as: zo_z", '  in: "#C1"', "  id: thread1",
        "- expect:", "  - message: b", "    thread: thread1",
        "- say: c", "  thread: thread1",
        "- say: d", '  in: "@flyte"',
        "- expect:", "  - message: e",
    ]  # fmt: skip


def test_texts_are_reproduced_exactly(tmp_path: Path) -> None:
    texts = ["a &lt; b &amp; <@U7>", "<!channel> <https://x.example|x>", "@zo_z", "{{ x }} {% y %} {", "é\u2028😀"]
    path = write_recording(
        tmp_path, ME, ZOE, *(heard(text, f"1.{number}") for number, text in enumerate(texts, start=1))
    )
    (tmp_path / "test.yaml").write_text(flow_test_from(path, tmp_path, [], []))

    (test,) = read_tests(tmp_path / "test.yaml")
    with silent_logs():
        result = run_test(test)

    said = ["".join(span.text for span in line.spans[3:]) for line in result.conversation]
    assert said == [f"zo_z: {text}".replace("<@U7>", "<@zo_z>") for text in texts]


def test_redelivered_bot_and_rejected_messages_are_left_out(tmp_path: Path) -> None:
    assert steps(
        tmp_path,
        heard("hi", "1.1"),
        heard("hi", "1.1"),
        posted("hello", "1.2"),
        heard("hello", "1.2", by="UBOT"),
        posted("lost", "", error="is_archived: no"),
    ) == ["- say: hi", "  as: zo_z", '  in: "#C1"', "- expect:", "  - message: hello"]


def test_membership_changes_of_the_bot_are_preserved(tmp_path: Path) -> None:
    moves = [
        MembershipChanged(at=START, channel_id="C1", is_member=is_member) for is_member in (True, False, False, True)
    ]

    assert steps(tmp_path, *moves) == ['- remove: "#C1"', '- invite: "#C1"']


def test_the_bots_arrival_in_a_group_conversation_is_left_out(tmp_path: Path) -> None:
    moved = MembershipChanged(at=START, channel_id="G1", is_member=True)
    message = replace(heard("hi", "1.1", room="G1"), is_direct=True)

    assert steps(tmp_path, moved, message)[0] == "- say: hi"


def test_an_upload_that_failed_gives_no_name_to_the_next_file(tmp_path: Path) -> None:
    taken = [
        ActionTaken(at=START, action=name, command="UploadFile", input={"channelId": "C1", "filename": f"{name}.txt"})
        for name in ("bad", "good")
    ]
    failure = ActionCompleted(at=START, action="bad", event="UploadFileFailed", payload={}, error="")
    shared = ChatRequested(at=START, request="finish_upload", fields={"channel_id": "C1", "message": "see"}, error="")

    assert '  - file: "good.txt"' in steps(tmp_path, heard("hi", "1.1"), taken[0], failure, taken[1], shared)


def test_a_post_without_a_preceding_message_is_marked(tmp_path: Path) -> None:
    assert steps(tmp_path, posted("Deployed", "1.1"))[0].startswith("# No message came before this")


def test_an_empty_session_expects_nothing(tmp_path: Path) -> None:
    assert steps(tmp_path) == ["- expect: nothing"]


def recorded(folder: Path, typed: str, flow: Path, *options: str, **environment: str) -> Path:
    path = folder / "session.jsonl"
    done = simulate(typed, "--in-memory", "--flow", flow, "--record", path, *options, environment=environment)
    assert done.stderr == ""
    return path


def test_a_test_has_the_settings_and_created_channels_of_its_session(tmp_path: Path) -> None:
    flow = ROOT / "examples" / "flows" / "incident_channel.yaml"
    record = recorded(tmp_path, "/slash /incident shop-down\n", flow, "--labels", "env=test,team=a")

    result = convert(record, "--flow", flow, "-o", tmp_path / "test.yaml")

    assert "warning" not in result.stderr
    text = (tmp_path / "test.yaml").read_text()
    assert (
        'settings: {FLYTE_LABELS: "env=test,team=a", '
        'FLYTE_SLACK_ALLOWED_METHODS: "conversations.create,conversations.invite"}\n'
    ) in text
    assert '    in: "#incident-shop-down"\n' in text
    assert '"#incident-shop-down": {' not in text


def test_a_test_has_the_name_of_the_recorded_pack(tmp_path: Path) -> None:
    flow = tmp_path / "flow.yaml"
    flow.write_text(THREADED.replace("packName: Slack", "packName: Chat"))
    record = recorded(tmp_path, "echo hi\n", flow, PACK_NAME="Chat")

    result = convert(record, "--flow", flow, "-o", tmp_path / "test.yaml")

    assert (result.exit_code, "warning" in result.stderr) == (0, False)
    assert "settings: {PACK_NAME: Chat}\n" in (tmp_path / "test.yaml").read_text()


def test_a_replay_leaves_it_to_flows_to_create_their_channels(tmp_path: Path) -> None:
    flow = ROOT / "examples" / "flows" / "incident_channel.yaml"
    record = recorded(tmp_path, "/slash /incident shop-down\n", flow)

    done = simulate("", "--in-memory", "--flow", flow, "--replay", record)

    assert "#incident-shop-down flyte: <@U" in done.stdout


def test_a_replay_is_in_the_channels_with_the_recorded_ids(tmp_path: Path) -> None:
    path = write_recording(tmp_path, ME, ZOE, heard("hi", "1.1", room="C024BE91L"), heard("ho", "1.2", room="C9"))
    done = simulate("/who\n", "--in-memory", "--channel", "#sales=C024BE91L", "--replay", path)

    assert "#sales zo_z: hi\n#C9 zo_z: ho\n" in done.stdout
    assert "#C9 C9: flyte is a member\n" in done.stdout


def test_people_with_the_same_name_get_different_handles() -> None:
    twins = [UserLookedUp(at=START, user_id=f"U{n}", name="Al", title="", first_name="", last_name="") for n in (1, 2)]
    session = Session([*twins, heard("a", "1.1", by="U1"), heard("b", "1.2", by="U2")])

    assert session.people == {"U1": "al", "U2": "al2"}


def test_a_numbered_handle_is_not_that_of_somebody_else() -> None:
    names = {"U1": "al3", "U2": "al", "U3": "al"}
    profiles = [
        UserLookedUp(at=START, user_id=id_, name=name, title="", first_name="", last_name="")
        for id_, name in names.items()
    ]
    session = Session([*profiles, *(heard("a", f"1.{id_}", by=id_) for id_ in names)])

    assert session.people == {"U1": "al3", "U2": "al", "U3": "al4"}


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["record-to-test", *map(str, arguments)])


def conversation(folder: Path) -> Sequence[Entry]:
    (folder / "flow.yaml").write_text(THREADED)
    return [ME, ZOE, heard("echo one", "1.1", at=5), posted("one", "1.2", at=5, thread="1.1"), heard("hm", "1.3", at=9)]


def test_a_test_from_a_recording_passes_and_detects_a_change(tmp_path: Path) -> None:
    path, test = write_recording(tmp_path, *conversation(tmp_path)), tmp_path / "inner" / "test.yaml"
    test.parent.mkdir()

    made = convert(path, "--flow", tmp_path / "flow.yaml", "-o", test)

    assert (made.exit_code, made.stderr) == (0, f"flyte-slack test {test}\n")
    assert 'flows: ["../flow.yaml"]' in test.read_text()
    assert CliRunner().invoke(main, ["test", str(test)]).exit_code == 0
    (tmp_path / "flow.yaml").write_text(THREADED.replace("slice:'5:'", "slice:'6:'"))
    assert 'the text is "ne", not "one"' in CliRunner().invoke(main, ["test", str(test)]).stdout


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path, test = write_recording(tmp_path, *conversation(tmp_path)), tmp_path / "test.yaml"
    test.write_text("mine")

    assert convert(path, "-o", test).exit_code == 1
    assert test.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "reason"), [("", "it holds no entries"), ('{"kind": "sung"}\n', ":1: this is not a line of a recording")]
)
def test_an_invalid_recording_is_rejected(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(text)

    result = convert(tmp_path / "x.jsonl")

    assert result.exit_code == 2
    assert reason in result.stderr
    assert convert(tmp_path / "none.jsonl").exit_code == 2


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_a_conversation_is_recorded_and_replayed(ends: tuple[str, ...], tmp_path: Path) -> None:
    flow, record = tmp_path / "flow.yaml", tmp_path / "record.jsonl"
    flow.write_text(THREADED)
    typed = "echo one\n/thread 2\necho two\n"

    first = simulate(typed, *ends, "--flow", flow, "--record", record)
    again = simulate("echo three\n", *ends, "--flow", flow, "--replay", record)

    def said(printed: str) -> list[str]:
        return [line.partition(" ")[2] for line in printed.splitlines() if line.startswith("#")]

    assert first.returncode == again.returncode == 0
    assert said(first.stdout)[:2] == ["alice: echo one", "(thread) flyte: one"]
    replayed = [line for line in said(again.stdout) if "has joined" not in line]
    assert replayed == [*said(first.stdout), "alice: echo three", "(thread) flyte: three"]
    assert again.stderr == ""


def test_a_recording_that_cannot_be_read_or_written_ends_the_simulation(tmp_path: Path) -> None:
    assert simulate("", "--replay", tmp_path / "none.jsonl").returncode == 2
    served = simulate("", "--serve", "--record", tmp_path / "record.jsonl")
    assert (served.returncode, "set FLYTE_SLACK_RECORD" in served.stderr) == (2, True)
    unkept = simulate("", "--record", tmp_path / "none" / "record.jsonl")
    assert unkept.returncode == 1
    assert "FLYTE_SLACK_RECORD" in unkept.stderr


USED = """\
deploy
/as bob
/click Approve
/react eyes 1
/slash /deploy shop
/submit Version = 1.2; Environment = Production
/shortcut explain 1
/shortcut report
deploy
/choose Staging
/click Reject
/upload {file} for you
/edit hi
/delete
"""


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_a_test_from_a_recorded_use_of_the_app_passes(ends: tuple[str, ...], tmp_path: Path) -> None:
    record, test, file = tmp_path / "record.jsonl", tmp_path / "test.yaml", tmp_path / "notes.txt"
    file.write_text("hello")

    simulated = simulate(USED.format(file=file), *ends, "--flow", DESK, "--record", record)
    made = convert(record, "--flow", DESK, "-o", test)

    assert (simulated.returncode, simulated.stderr) == (0, "")
    assert (made.exit_code, made.stderr) == (0, f"flyte-slack test {test}\n")
    assert CliRunner().invoke(main, ["test", str(test)]).exit_code == 0
    written = test.read_text()
    for line in (
        "- click: approve",
        "- react: eyes",
        "- slash: ",
        "- submit: ",
        "- shortcut: ",
        "- choose: ",
        "- upload: ",
    ):
        assert line in written
    for line in (
        "- update: ",
        "- reaction: ",
        "- modal: Deploy",
        "- ephemeral: ",
        "- direct: ",
        "- file: ",
        "- home: ",
    ):
        assert line in written


def test_a_flow_without_its_pack_makes_no_test(tmp_path: Path) -> None:
    path, test, flow = write_recording(tmp_path, *conversation(tmp_path)), tmp_path / "test.yaml", tmp_path / "ask.yaml"
    flow.write_text(ASKING)

    made = convert(path, "--flow", flow, "-o", test)

    assert made.exit_code == 2
    assert (
        "this flow sends Ask to the pack Oracle, which is not in the recording: name its script with --pack"
        in made.stderr
    )
    assert not test.exists()


def test_a_test_that_fails_as_it_is_comes_with_a_warning(tmp_path: Path) -> None:
    path, test = write_recording(tmp_path, *conversation(tmp_path)), tmp_path / "test.yaml"

    made = convert(path, "-o", test)

    assert made.stderr.startswith("warning: the test fails as it is: it did not happen within 10 s")
