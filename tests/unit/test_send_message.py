"""The command SendMessage."""

import pytest

from domain.channels import ChannelId
from domain.commands import SendMessage
from domain.events import MessageSent, SendMessageFailed
from domain.messages import OutgoingMessage
from tests.support.environment import World


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


async def test_a_message_accepted_by_slack_is_reported_as_sent(world: World) -> None:
    message = OutgoingMessage(world.c1, "hello")

    async with world.pack():
        outcome = await world.outcome(SendMessage(message))

    assert isinstance(outcome, MessageSent)
    assert outcome.message == message
    assert [(post.message, post.timestamp) for post in world.chat.posts] == [(message, outcome.receipt.timestamp)]
    assert outcome.receipt.channel_id == world.c1
    assert not outcome.receipt.in_doubt


async def test_a_message_for_a_thread_is_posted_into_it(world: World) -> None:
    message = OutgoingMessage(world.c1, "hello", "1355517523.000005")

    async with world.pack():
        await world.outcome(SendMessage(message))

    assert [post.message for post in world.chat.posts] == [message]


@pytest.mark.parametrize(
    ("channel_id", "text", "error"),
    [
        ("", "", "missing message field, missing channel id field"),
        ("C1", "", "missing message field"),
        ("", "hello", "missing channel id field"),
    ],
)
async def test_missing_fields_are_named_in_order(world: World, channel_id: str, text: str, error: str) -> None:
    message = OutgoingMessage(ChannelId(channel_id), text, "1.2")

    async with world.pack():
        assert await world.outcome(SendMessage(message)) == SendMessageFailed(message, error)
    assert not world.chat.posts


async def test_a_rejection_is_reported_as_a_failure_with_slacks_code(world: World) -> None:
    message = OutgoingMessage(world.c2, "hello")

    async with world.pack():
        outcome = await world.outcome(SendMessage(message))

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.message == message
    assert outcome.error.startswith("not_in_channel: ")


async def test_a_channel_that_does_not_exist_is_a_failure(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(SendMessage(OutgoingMessage(ChannelId("C404"), "hello")))

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("channel_not_found: ")


async def test_a_text_that_slack_would_truncate_is_not_posted(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(SendMessage(OutgoingMessage(world.c1, "x" * (40_000 + 1))))

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("msg_too_long: ")
    assert not world.chat.posts


async def test_the_longest_text_is_posted(world: World) -> None:
    async with world.pack():
        assert isinstance(await world.outcome(SendMessage(OutgoingMessage(world.c1, "x" * 40_000))), MessageSent)


async def test_text_is_posted_unchanged(world: World) -> None:
    text = "<!channel> &lt;b&gt; <@U1>\n\N{PILE OF POO}"

    async with world.pack():
        await world.outcome(SendMessage(OutgoingMessage(world.c1, text)))

    assert world.texts == [text]
