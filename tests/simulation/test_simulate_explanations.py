"""What is output of the way from a message to its answer, and why it goes no further."""

from entrypoints.simulation.console.formatter import Detail
from tests.support.console import flow, open_console


async def test_a_command_for_a_pack_that_is_not_there_is_told_of_and_not_waited_for() -> None:
    lonely = flow("""
name: lonely
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Rota, name: WhoIsOnCall}
""")
    async with open_console(flows=[lonely], detail=Detail.ON) as console:
        output = await console.run("x")

    assert "command Rota WhoIsOnCall null  nobody takes it: there is no pack Rota (simulate --pack FILE)" in output


async def test_a_criterion_that_says_no_is_shown_with_the_values_that_it_saw() -> None:
    async with open_console(detail=Detail.ON) as console:
        output = await console.run("hello")

    assert "flow    echo, step get_message does not run: the criteria are not met\n" in output
    assert 'Event.Payload.message = "hello"\n' in output


async def test_a_criterion_that_is_no_boolean_is_told_of() -> None:
    odd = flow("""
name: odd
steps:
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message }}"
  command: {packName: Slack, name: Broadcast}
""")
    async with open_console(flows=[odd], detail=Detail.ON) as console:
        output = await console.run("maybe")

    assert "flow    odd can't run: criteria: renders to 'maybe', which is neither True nor False" in output


async def test_an_event_that_no_flow_waits_for_is_said_to_be_one() -> None:
    async with open_console(flows=[], detail=Detail.ON) as console:
        assert "event   Slack ReceivedMessage  no flow waits for it\n" in await console.run("hello")


async def test_a_failure_is_told_with_its_error_however_long_the_rest_is() -> None:
    async with open_console(detail=Detail.ON) as console:
        console.sandbox.flyte.queue_action("Slack", "SendMessage", {"channelId": "C0NONE", "message": "x" * 1000})
        output = await console.run("")

    assert f'command Slack SendMessage {{"channelId": "C0NONE", "message": "{"x" * 99}...}}\n' in output
    assert 'answer  Slack SendMessageFailed {"threadTimestamp": "", "error": "channel_not_found: ' in output


async def test_everything_is_shown_when_all_detail_is_asked_for() -> None:
    async with open_console() as console:
        output = await console.run("/explain full", "echo hi")

    assert 'event   Slack ReceivedMessage {"channelId": "C' in output
    assert "runs\n            {{ Event.Payload.message | match: '^echo\\\\s+' }}\n" in output
    assert 'Context.Msg = "hi"\n' in output
