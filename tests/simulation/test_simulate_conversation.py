"""The console's commands and their effects, the same on loopback and in memory."""

import re
import socket
from typing import NoReturn

import pytest

from entrypoints.simulation.console.commands import COMMANDS
from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.repl import SettleTimeout
from entrypoints.simulation.console.session import InvalidInput, SessionEnded
from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from tests.support.console import flow, open_console

BOTH = pytest.mark.parametrize("where", ["loopback", "memory"])

REPLY = flow("""
name: reply
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command:
    packName: Slack
    name: SendMessage
    input:
      channelId: "{{ Event.Payload.channelId }}"
      threadTimestamp: "{{ Event.Payload.threadTimestamp }}"
      message: "{{ Event.Payload.user.name }} said {{ Event.Payload.message }}"
""")


@BOTH
async def test_the_current_speaker_is_the_author(where: str) -> None:
    async with open_console(where, flows=[REPLY]) as console:
        assert await console.run("/as bob", "hi") == ("#general bob: hi\n#general (thread) flyte: Bob said hi\n")


@BOTH
async def test_speaking_as_a_new_person_adds_them(where: str) -> None:
    async with open_console(where, flows=[REPLY]) as console:
        output = await console.run("/as carol", "hi")

    assert output.startswith("added carol to the workspace\n")
    assert "flyte: Carol said hi\n" in output


@BOTH
async def test_messages_are_posted_in_the_current_channel(where: str) -> None:
    async with open_console(where, flows=[REPLY]) as console:
        assert await console.run("/in ops", "hi") == "#ops alice: hi\n#ops (thread) flyte: Alice said hi\n"


@BOTH
async def test_each_person_has_direct_messages_with_the_bot(where: str) -> None:
    async with open_console(where, flows=[REPLY]) as console:
        output = await console.run("/in @flyte", "hi", "/as bob", "ho")

    assert "@flyte alice: hi\n@flyte (thread) flyte: Alice said hi\n" in output
    assert "@flyte bob: ho\n@flyte (thread) flyte: Bob said ho\n" in output


@BOTH
async def test_a_reply_to_a_thread_is_in_the_same_thread(where: str) -> None:
    async with open_console(where, flows=[REPLY], detail=Detail.ON) as console:
        output = await console.run("one", "/thread 1", "two", "/thread off", "three")

    messages = [line.rpartition(" said")[0] or line for line in output.splitlines() if line.startswith("[")]
    assert messages == [
        "[1] #general alice: one",
        "[2] #general (thread of [1]) flyte: Alice",
        "[3] #general (thread of [1]) alice: two",
        "[4] #general (thread of [1]) flyte: Alice",
        "[5] #general alice: three",
        "[6] #general (thread of [5]) flyte: Alice",
    ]


@BOTH
async def test_the_pack_gets_messages_only_while_the_bot_is_a_member(where: str) -> None:
    async with open_console(where, detail=Detail.ON) as console:
        alone = await console.run("/in #board", "echo a")
        invited = await console.run("/invite flyte", "echo b")
        removed = await console.run("/kick @flyte", "echo c")

    assert "flyte is not a member of #board, so the pack gets no messages: /invite flyte" in alone
    assert re.search(r"#board flyte: <@U\w+>, you said:\n +>>> b\n", invited)
    assert "#board flyte has joined the " in invited
    assert "flyte is not a member of #board" in removed


@BOTH
async def test_a_new_channel_starts_without_the_bot(where: str) -> None:
    async with open_console(where) as console:
        output = await console.run("/in #new", "echo a", "/invite flyte", "echo b")

    assert output.startswith(
        "created #new; flyte is not a member: /invite flyte\n#new alice: echo a\n#new flyte has joined"
    )
    assert ">>> b" in output


@BOTH
async def test_reactions_are_shown_and_reported(where: str) -> None:
    async with open_console(where, detail=Detail.ON) as console:
        await console.run("hello")
        output = await console.run("/react :tada:", "/react eyes 1")

    for emoji in ("tada", "eyes"):
        assert f"reacts with :{emoji}: (message [1])" in output
        assert f'"reaction": "{emoji}"' in output
    assert output.count("event   Slack ReactionAdded") == 2


@BOTH
async def test_edits_and_deletions_are_shown_and_reported(where: str) -> None:
    async with open_console(where, detail=Detail.ON) as console:
        await console.run("hello")
        output = await console.run("/edit hello all", "/edit 1 bye", "/delete")

    assert "#general alice edits: hello all (message [1])" in output
    assert "#general alice edits: bye (message [1])" in output
    assert output.count("event   Slack ReceivedEdit") == 2
    assert "#general deleted (message [1])" in output
    assert output.count("event   Slack ReceivedDeletion") == 1


@BOTH
async def test_a_second_reaction_withdraws_the_first(where: str) -> None:
    async with open_console(where) as console:
        output = await console.run("hello", "/react eyes", "/react eyes")

    assert output.endswith("alice reacts with :eyes:\n#general alice removes :eyes:\n")


@BOTH
async def test_people_can_be_invited_and_removed(where: str) -> None:
    async with open_console(where) as console:
        output = await console.run("/in ops", "/invite bob", "/kick bob")

    assert re.fullmatch("#ops bob has joined the channel\n#ops bob has left the channel\n", output)


@BOTH
async def test_an_event_of_any_pack_can_be_published(where: str) -> None:
    deployed = flow("""
name: deployed
steps:
- event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: Broadcast, input: {message: "{{ Event.Payload.app }} is live"}}
""")
    async with open_console(where, flows=[deployed], detail=Detail.ON) as console:
        output = await console.run('/event Deployer Deployed {"app": "shop"}')

    assert 'event   Deployer Deployed {"app": "shop"}\n' in output
    for channel in ("#general", "#ops", "#deployments"):
        assert f"{channel} flyte: shop is live\n" in output
    assert "answer  Slack BroadcastSent" in output


@BOTH
async def test_mentions_and_special_characters_are_encoded_as_slack_encodes_them(where: str) -> None:
    async with open_console(where) as console:
        output = await console.run("@bob, a <b> & #ops; not@bob #nothing")

    assert re.fullmatch(r"#general alice: <@U\w+>, a &lt;b&gt; &amp; <#C\w+\|ops>; not@bob #nothing\n", output)


@BOTH
async def test_two_slashes_post_a_text_that_starts_with_one(where: str) -> None:
    async with open_console(where) as console:
        assert await console.run("//shrug") == "#general alice: /shrug\n"


@BOTH
async def test_flows_match_the_labels_of_the_pack(where: str) -> None:
    labelled = flow("""
name: labelled
steps:
- event: {packName: Slack, name: ReceivedMessage, packLabels: {env: staging}}
  command:
    packName: Slack
    name: SendMessage
    packLabels: {env: staging}
    input: {channelId: "{{ Event.Payload.channelId }}", message: hi}
""")
    async with open_console(where, flows=[labelled], settings={"FLYTE_LABELS": "env=staging"}) as console:
        assert "#general flyte: hi\n" in await console.run("x")
    async with open_console(where, flows=[labelled], detail=Detail.ON) as console:
        assert "does not run: the pack's labels (none) lack env=staging" in await console.run("x")


@BOTH
async def test_a_flow_that_triggers_itself_is_not_awaited_forever(where: str) -> None:
    endless = flow("""
name: endless
steps:
- event: {packName: Slack, name: MessageSent}
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Event.Payload.channelId }}", message: again}}
""")
    async with open_console(where, flows=[REPLY, endless]) as console:
        with pytest.raises(SettleTimeout, match=r"still busy after 0.1 s: "):
            await console.run("begin", settle_seconds=0.1)


async def test_in_memory_mode_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was used")

    for method in ("bind", "connect", "connect_ex", "listen"):
        monkeypatch.setattr(socket.socket, method, refuse)

    async with open_console("memory") as console:
        assert ">>> hi" in await console.run("echo hi")


async def test_flows_lists_all_or_shows_one() -> None:
    async with open_console() as console:
        listed = await console.run("/flows")
        whole = await console.run("/flows echo")

    assert "    get_message: on Slack ReceivedMessage -> Slack SendMessage\n" in listed
    assert '        when {{ Event.Payload.message | match: "^echo\\\\s+" }}\n' in listed
    assert whole == (BUILT_IN / "echo.yaml").read_text()


async def test_who_lists_people_channels_and_packs() -> None:
    async with open_console() as console:
        output = await console.run("/who")

    assert "people: alice, bob; the bot: flyte\n" in output
    assert re.search(r"#board \(private\) C\w+: flyte is not a member\n", output)
    assert "packs: Slack\n" in output


async def test_help_has_a_line_for_every_command() -> None:
    async with open_console() as console:
        output = await console.run("/help")

    assert [line.split()[0] for line in output.splitlines()[1:]] == list(COMMANDS)


async def test_quit_ends_the_session() -> None:
    async with open_console() as console:
        with pytest.raises(SessionEnded):
            await console.run("/quit")


INVALID = {
    "/as": "/as NAME, one of: alice, bob; or a new name",
    "/as a b": "/as NAME, one of: alice, bob; or a new name",
    "/as flyte": "flyte is the bot",
    "/in": "/in PLACE, one of: #general, #ops, #deployments, #board, @flyte",
    "/in @bob": "/in PLACE, one of: ",
    "/thread": "#ops has no messages yet",
    "/thread 9": "there is no message 9",
    "/thread 1": "message 1 is in #general, and you are in #ops: /in #general",
    "/thread x": "there is no message x",
    "/react": "/react EMOJI",
    "/react tada": "#ops has no messages yet",
    "/edit text": "alice has not posted in #ops yet",
    "/invite": "/invite NAME, one of: alice, bob, flyte",
    "/kick unknown": "/kick NAME, one of: alice, bob, flyte",
    "/event": "/event PACK NAME [JSON], such as: ",
    "/event A B {": "the payload is not JSON: ",
    "/flows no": "there is no flow no; there are: echo",
    "/explain some": "/explain on, /explain full or /explain off",
    "/unknown": "there is no command /unknown; /help lists them",
}


@pytest.mark.parametrize("typed", INVALID)
async def test_invalid_input_is_rejected_with_the_valid_forms(typed: str) -> None:
    async with open_console() as console:
        await console.run("hello", "/in ops")
        with pytest.raises(InvalidInput) as error:
            await console.run(typed)

    assert str(error.value).startswith(INVALID[typed])


@BOTH
async def test_what_slack_forbids_is_rejected(where: str) -> None:
    async with open_console(where) as console:
        with pytest.raises(InvalidInput, match="no one can be removed from #general"):
            await console.run("/kick flyte")
        with pytest.raises(InvalidInput, match="direct messages have fixed members"):
            await console.run("/in @flyte", "/invite bob")
        with pytest.raises(InvalidInput, match="the message is bob's, and you are alice"):
            await console.run("/in ops", "/as bob", "x", "/as alice", "/edit 1 y")


async def test_control_characters_are_escaped() -> None:
    async with open_console() as console:
        assert await console.run("echo \x1b[2J\x07") != ""
        output = await console.run("echo \x1b[2J\x07")

    assert "\x1b" not in output
    assert "echo \\u001b[2J\\u0007" in output
