"""Tokens and e-mail addresses stay out of a record; all other text stays."""

import pytest

from entrypoints.observability.record_redaction import RecordRedaction


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ann.lee+x@mail.example.org!", "write to ***!"),
        ("<mailto:a@b.example|a@b.example>", "<mailto:***|***>"),
        ("the token is xoxb-1-2-abc", "the token is ***"),
        ("our own is s3cret", "our own is ***"),
        ("<@U1> at 5 @ noon, user@host, <#C1|ops>", "<@U1> at 5 @ noon, user@host, <#C1|ops>"),
        ("hello, wörld 😀", "hello, wörld 😀"),
    ],
)
def test_a_text_is_kept_without_them(text: str, kept: str) -> None:
    assert RecordRedaction(["s3cret"])({"a": [text, {text: 1}]}) == {"a": [kept, {kept: 1}]}


def test_what_is_no_text_stays() -> None:
    value: dict[str, object] = {"a": None, "b": True, "c": 1.5, "d": [], "e": {}}

    assert RecordRedaction([])(value) == value
