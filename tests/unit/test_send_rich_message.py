"""The command SendRichMessage."""

import pytest

from domain.commands import SendRichMessage
from domain.errors import IdempotencyKeyRejected
from domain.events import RichMessageSent, SendRichMessageFailed
from domain.json_values import JsonObject
from domain.messages import RichMessage
from tests.support.environment import World, pack_settings

MISSING_CONTENT = "missing text, attachments, blocks or markdown_text field"


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


def command(fields: JsonObject) -> SendRichMessage:
    return SendRichMessage(RichMessage(fields))


async def test_every_field_is_passed_to_slack_unchanged(world: World) -> None:
    fields: JsonObject = {
        "channel": "C1",
        "text": "hi",
        "blocks": [{"type": "divider"}],
        "of_tomorrow": {"a": [1, None]},
    }

    async with world.pack():
        outcome = await world.outcome(command(fields))

    assert isinstance(outcome, RichMessageSent)
    assert outcome.fields == fields
    assert (outcome.receipt.channel_id, outcome.receipt.timestamp) == ("C1", world.chat.posts[0].timestamp)
    assert world.chat.posts[0].message == RichMessage(fields)


@pytest.mark.parametrize("content", ["text", "attachments", "blocks", "markdown_text"])
async def test_any_one_content_field_is_enough(world: World, content: str) -> None:
    async with world.pack():
        outcome = await world.outcome(command({"channel": "C1", content: "[1]"}))

    assert isinstance(outcome, RichMessageSent)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, f"missing channel field, {MISSING_CONTENT}"),
        ({"channel": "", "text": ""}, f"missing channel field, {MISSING_CONTENT}"),
        ({"channel": None, "text": "hi"}, "missing channel field"),
        ({"channel": "C1", "username": "Ada"}, MISSING_CONTENT),
        ({"channel": "C1", "text": None, "blocks": []}, MISSING_CONTENT),
    ],
)
async def test_missing_fields_are_named_in_order(world: World, fields: JsonObject, error: str) -> None:
    async with world.pack():
        assert await world.outcome(command(fields)) == SendRichMessageFailed(fields, error)
    assert not world.chat.posts


async def test_a_null_token_counts_as_missing(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(command({"channel": "C1", "text": "hi", "token": None}))
    assert isinstance(outcome, RichMessageSent)


async def test_a_token_in_the_input_is_refused_and_not_echoed(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(command({"channel": "C1", "text": "hi", "token": "xoxb-secret"}))

    assert isinstance(outcome, SendRichMessageFailed)
    assert outcome.fields == {"channel": "C1", "text": "hi"}
    assert "xoxb-secret" not in outcome.error
    assert not world.chat.posts


async def test_a_rejection_is_reported_as_a_failure_with_the_input(world: World) -> None:
    fields: JsonObject = {"channel": "C2", "text": "hi"}

    async with world.pack():
        outcome = await world.outcome(command(fields))

    assert isinstance(outcome, SendRichMessageFailed)
    assert outcome.fields == fields
    assert outcome.error.startswith("not_in_channel: ")


async def test_a_text_that_slack_would_truncate_is_not_posted(world: World) -> None:
    async with world.pack():
        outcome = await world.outcome(command({"channel": "C1", "text": "x" * (40_000 + 1)}))

    assert isinstance(outcome, SendRichMessageFailed)
    assert outcome.error.startswith("msg_too_long: ")
    assert not world.chat.posts


async def test_metadata_of_the_flow_is_posted_unchanged_without_an_idempotency_key(world: World) -> None:
    fields: JsonObject = {"channel": "C1", "text": "hi", "metadata": {"event_type": "mine", "event_payload": {}}}

    async with world.pack():
        await world.outcome(command(fields))

    assert [(post.message, post.key) for post in world.chat.posts] == [(RichMessage(fields), None)]


async def test_null_metadata_counts_as_missing(world: World) -> None:
    async with world.pack():
        await world.outcome(command({"channel": "C1", "text": "hi", "metadata": None}))

    assert world.chat.posts[0].key is not None


async def test_an_idempotency_key_that_slack_refuses_is_left_out(world: World) -> None:
    world.faults.fail_before("post", IdempotencyKeyRejected("metadata_too_large", "too large"), times=1)

    async with world.pack(pack_settings()):
        outcome = await world.outcome(command({"channel": "C1", "text": "hi"}))

    assert isinstance(outcome, RichMessageSent)
    assert [post.key for post in world.chat.posts] == [None]


async def test_metadata_of_the_flow_that_slack_refuses_is_a_failure(world: World) -> None:
    world.faults.fail_before("post", IdempotencyKeyRejected("metadata_too_large", "too large"), times=1)

    async with world.pack():
        outcome = await world.outcome(command({"channel": "C1", "text": "hi", "metadata": {"event_type": "mine"}}))

    assert isinstance(outcome, SendRichMessageFailed)
    assert outcome.error.startswith("metadata_too_large: ")
    assert not world.chat.posts
