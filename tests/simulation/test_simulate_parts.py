"""Parts of the console: input lines, transcript, explanations, output, and the text of rich messages."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.console.output import PlainOutput, text_line
from entrypoints.simulation.console.repl import read_lines
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.flyte.models import Event, Pack
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import ChatMessage, ChatNotice
from entrypoints.terminal_text import printable


@contextmanager
def pipe(content: bytes) -> Iterator[int]:
    """Yields the reading end of a closed pipe with this content."""
    reader, writer = os.pipe()
    try:
        os.write(writer, content)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


async def read(content: bytes) -> list[str]:
    with pipe(content) as descriptor:
        return [line async for line in read_lines(descriptor)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"one", ["one"]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        ("grüße\n".encode(), ["grüße"]),
        (b"\xff\n", ["\ufffd"]),
        (b"cut \xe2\x82", ["cut \ufffd"]),
    ],
)
async def test_lines_are_read_from_a_descriptor(content: bytes, lines: list[str]) -> None:
    assert await read(content) == lines


async def test_a_line_can_be_longer_than_a_block(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    text = "ü" * 100_000
    file.write_text(f"{text}\nend")

    descriptor = os.open(file, os.O_RDONLY)
    try:
        assert [line async for line in read_lines(descriptor)] == [text, "end"]
    finally:
        os.close(descriptor)


def message(timestamp: str, speaker: str = "alice", channel_id: str = "C1") -> ChatMessage:
    return ChatMessage(channel_id, "#ops", speaker, "text", timestamp)


def test_messages_are_numbered_across_conversations() -> None:
    transcript = Transcript()
    for event in (message("1"), ChatNotice("C1", "#ops", "bob came"), message("1", channel_id="C2")):
        transcript.record(event)

    assert transcript.number("C2", "1") == 2
    assert transcript.message(2) == message("1", channel_id="C2")
    assert transcript.number("C1", "9") is None


def test_latest_finds_the_latest_message_of_a_conversation_or_a_speaker() -> None:
    transcript = Transcript()
    for event in (message("1"), message("2", "bob"), message("3", channel_id="C2")):
        transcript.record(event)

    assert transcript.latest("C1") == message("2", "bob")
    assert transcript.latest("C1", "alice") == message("1")
    assert transcript.latest("C9") is None


def test_the_transcript_has_a_capacity() -> None:
    transcript = Transcript()
    for number in range(10_001):
        transcript.record(message(str(number)))

    assert transcript.message(1) is None
    assert transcript.number("C1", "0") is None
    assert transcript.number("C1", "10000") == 10_001


def test_the_names_in_a_template_are_listed_with_their_values() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    payload = {"message": 'say "hi"', "replies": ["a"], "user": {"id": "U1"}}
    event = Event(Pack.create("Slack", {"env": "x"}), "ReceivedMessage", payload, now, now)
    source = (
        "{{ Event.Payload.message|match:'Event.Name' && Event.Payload.replies.0 == Context.First "
        "&& Event.Payload.missing != '' && Event.Pack.Labels.env && Event.Payload.message }}"
    )

    assert referenced_values(source, event, {"First": "a"}) == [
        ("Event.Payload.message", '"say \\"hi\\""'),
        ("Event.Payload.replies.0", '"a"'),
        ("Context.First", '"a"'),
        ("Event.Payload.missing", '""'),
        ("Event.Pack.Labels.env", '"x"'),
    ]


RICH: dict[str, tuple[dict[str, object], str]] = {
    "a text alone": ({"text": "hi"}, "hi"),
    "nothing": ({}, ""),
    "blocks with the same text once": (
        {"text": "hi", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "there"}}]},
        "hi\n| there",
    ),
    "a header, fields and a button": (
        {
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "Title"}},
                {"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}, {"type": "mrkdwn", "text": "b\nc"}]},
                {"type": "actions", "elements": [{"type": "button", "text": {"text": "Go"}, "value": "go"}]},
            ]
        },
        "| Title\n| a\n| b\n| c\n| Go",
    ),
    "an attachment's fallback, when it has nothing else": ({"attachments": [{"fallback": "old"}]}, "| old"),
    "an attachment without its fallback": (
        {"attachments": [{"fallback": "old", "title": "T", "fields": [{"title": "k", "value": "v"}]}]},
        "| T\n| k\n| v",
    ),
    "what is no text at all": ({"text": 3, "blocks": "x", "attachments": [None, 1, {"text": ["a"]}]}, ""),
}


@pytest.mark.parametrize("name", RICH)
def test_the_visible_text_of_a_rich_message(name: str) -> None:
    fields, text = RICH[name]

    assert visible_text(fields) == text


def test_characters_outside_the_output_encoding_are_escaped() -> None:
    written = BytesIO()
    stream = TextIOWrapper(written, encoding="latin-1", write_through=True)

    PlainOutput(stream).write(text_line("grüße ✓"))

    assert written.getvalue() == b"gr\xfc\xdfe \\u2713\n"


def test_continuation_lines_are_indented() -> None:
    written = StringIO()

    PlainOutput(written).write(text_line("alice: one\ntwo", indent=7))

    assert written.getvalue() == "alice: one\n       two\n"


@given(st.text())
def test_printable_text_contains_no_control_characters(text: str) -> None:
    written = printable(text)

    assert all(character == "\n" or character >= " " for character in written)
    written.encode()
