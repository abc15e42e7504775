"""What is told of the way from a message to its answer, and why it goes no further."""

from entrypoints.simulation.console.formatter import Detail
from tests.support.console import conversing, flow


async def test_a_command_for_a_pack_that_is_not_there_is_told_of_and_not_waited_for() -> None:
    lonely = flow("""
name: lonely
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Rota, name: WhoIsOnCall}
""")
    async with conversing(flows=[lonely], detail=Detail.ON) as talk:
        told = await talk.hear("x")

    assert "command Rota WhoIsOnCall null  nobody takes it: there is no pack Rota (simulate --pack FILE)" in told


async def test_a_criterion_that_says_no_is_shown_with_the_values_that_it_saw() -> None:
    async with conversing(detail=Detail.ON) as talk:
        told = await talk.hear("hello")

    assert "flow    echo, step get_message does not run: the criteria is not met\n" in told
    assert 'Event.Payload.message = "hello"\n' in told


async def test_a_criterion_that_is_no_boolean_is_told_of() -> None:
    odd = flow("""
name: odd
steps:
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message }}"
  command: {packName: Slack, name: Broadcast}
""")
    async with conversing(flows=[odd], detail=Detail.ON) as talk:
        told = await talk.hear("maybe")

    assert "flow    odd can't run: criteria: renders to 'maybe', which is neither True nor False" in told


async def test_an_event_that_no_flow_waits_for_is_said_to_be_one() -> None:
    async with conversing(flows=[], detail=Detail.ON) as talk:
        assert "event   Slack ReceivedMessage  no flow waits for it\n" in await talk.hear("hello")


async def test_a_failure_is_told_with_its_error_however_long_the_rest_is() -> None:
    async with conversing(detail=Detail.ON) as talk:
        talk.stage.flyte.queue_action("Slack", "SendMessage", {"channelId": "C0NONE", "message": "x" * 1000})
        told = await talk.hear("")

    assert f'command Slack SendMessage {{"channelId": "C0NONE", "message": "{"x" * 99}...}}\n' in told
    assert 'answer  Slack SendMessageFailed {"threadTimestamp": "", "error": "channel_not_found: ' in told


async def test_everything_is_shown_when_all_detail_is_asked_for() -> None:
    async with conversing() as talk:
        told = await talk.hear("/explain full", "echo hi")

    assert 'event   Slack ReceivedMessage {"channelId": "C' in told
    assert "runs\n            {{ Event.Payload.message | match: '^echo\\\\s+' }}\n" in told
    assert 'Context.Msg = "hi"\n' in told
