"""The parts of a conversation by themselves: lines, transcript, explanations, what is seen of rich messages."""

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
from entrypoints.simulation.console.output import PlainOutput, printable, text_line
from entrypoints.simulation.console.repl import read_lines
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.flyte.models import Event, Pack
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import ChatMessage, ChatNotice


@contextmanager
def pipe(content: bytes) -> Iterator[int]:
    """The reading end of a pipe with this in it, and no more to come."""
    ours, theirs = os.pipe()
    try:
        os.write(theirs, content)
        os.close(theirs)
        yield ours
    finally:
        os.close(ours)


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


async def test_a_line_may_be_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    text = "ü" * 100_000
    file.write_text(f"{text}\nend")

    descriptor = os.open(file, os.O_RDONLY)
    try:
        assert [line async for line in read_lines(descriptor)] == [text, "end"]
    finally:
        os.close(descriptor)


def spoken(timestamp: str, speaker: str = "alice", room_id: str = "C1") -> ChatMessage:
    return ChatMessage(room_id, "#ops", speaker, "text", timestamp)


def test_messages_are_numbered_over_all_rooms() -> None:
    transcript = Transcript()
    for happening in (spoken("1"), ChatNotice("C1", "#ops", "bob came"), spoken("1", room_id="C2")):
        transcript.record(happening)

    assert transcript.number("C2", "1") == 2
    assert transcript.message(2) == spoken("1", room_id="C2")
    assert transcript.number("C1", "9") is None


def test_the_latest_message_of_a_room_can_be_found_and_that_of_a_speaker() -> None:
    transcript = Transcript()
    for happening in (spoken("1"), spoken("2", "bob"), spoken("3", room_id="C2")):
        transcript.record(happening)

    assert transcript.latest("C1") == spoken("2", "bob")
    assert transcript.latest("C1", "alice") == spoken("1")
    assert transcript.latest("C9") is None


def test_the_oldest_messages_are_forgotten() -> None:
    transcript = Transcript()
    for number in range(10_001):
        transcript.record(spoken(str(number)))

    assert transcript.message(1) is None
    assert transcript.number("C1", "0") is None
    assert transcript.number("C1", "10000") == 10_001


def test_the_names_in_a_template_are_shown_with_what_they_stood_for() -> None:
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
def test_the_words_of_a_rich_message_can_be_seen(name: str) -> None:
    message, seen = RICH[name]

    assert visible_text(message) == seen


def test_what_the_output_has_no_signs_for_is_written_in_others() -> None:
    written = BytesIO()
    stream = TextIOWrapper(written, encoding="latin-1", write_through=True)

    PlainOutput(stream).write(text_line("grüße ✓"))

    assert written.getvalue() == b"gr\xfc\xdfe \\u2713\n"


def test_a_text_of_several_lines_hangs_below_its_beginning() -> None:
    written = StringIO()

    PlainOutput(written).write(text_line("alice: one\ntwo", indent=7))

    assert written.getvalue() == "alice: one\n       two\n"


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left_in_what_is_written(text: str) -> None:
    written = printable(text)

    assert all(character == "\n" or character >= " " for character in written)
    written.encode()
