"""Secrets stay out of logs; secrets and e-mail addresses stay out of recordings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.observability.redaction import Redactor


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("token xoxb-1234-5678-abcDEF is bad", "token *** is bad"),
        ("xoxe.xoxp-1-abc", "***"),
        ("('xapp-1-A0-9-f00d')", "('***')"),
        ("wss://w.slack.com/link/?ticket=12-34&app_id=A1", "wss://w.slack.com/link/?ticket=***&app_id=A1"),
        ("https://slack.com/api/x?token=abc&c=1", "https://slack.com/api/x?token=***&c=1"),
        ("postgresql://h/db?password=hush&sslmode=require", "postgresql://h/db?password=***&sslmode=require"),
        ("host=h password='hu sh' sslpassword=hush", "host=h password=*** sslpassword=***"),
        ("Authorization: Bearer abc.def/g=", "Authorization: Bearer ***"),
        ("a jwt eyJhbGciOi.eyJzdWIi.c2ln!", "a jwt ***!"),
        ("http://me:pass@proxy:3128/x", "http://***@proxy:3128/x"),
        ("redis://:p@ss@host/0", "redis://***@host/0"),
    ],
)
def test_texts_that_look_like_secrets_are_removed(text: str, redacted: str) -> None:
    assert Redactor().redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "nothing of that kind",
        "https://example.com/a?to=me@example.com",
        "a foxb-1 and a taxapp",
        "an eyJ of its own",
        "the ticket = 3",
        "mail me@example.com",
    ],
)
def test_other_texts_are_unchanged(text: str) -> None:
    assert Redactor().redact_text(text) == text


def test_a_known_secret_is_removed_wherever_it_occurs() -> None:
    redactor = Redactor(["token_abc", ""])

    assert redactor.redact_text("<token_abc>token_abctoken_abc") == "<***>******"


@pytest.mark.parametrize(
    "spelling", ['p"a\\s s/é', 'p\\"a\\\\s s/\\u00e9', "p%22a%5Cs%20s%2F%C3%A9", "p%22a%5Cs+s%2F%C3%A9"]
)
def test_a_known_secret_is_recognised_as_json_and_urls_spell_it(spelling: str) -> None:
    assert Redactor(['p"a\\s s/é']).redact_text(f"[{spelling}]") == "[***]"


def test_the_longest_secret_is_replaced_first() -> None:
    assert Redactor(["abc", "abcdef"]).redact_text("abcdef") == "***"


PIECES = (
    "hush",
    "xox",
    "xoxb-1",
    "xapp-1",
    "ticket=",
    "token=1",
    "password='",
    "Bearer ",
    "eyJ",
    "://",
    "a@b.c",
    ".",
    "é",
)
VALUES = st.one_of(
    st.lists(st.sampled_from(PIECES)).map("".join),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.sampled_from(PIECES)),
    st.dictionaries(st.sampled_from(PIECES), st.text()),
    st.binary(),
)


@given(st.lists(VALUES, max_size=4), st.booleans())
def test_values_that_can_not_change_are_recognised(values: list[object], hides_emails: bool) -> None:
    redactor = Redactor(["hush", "é"], hides_emails=hides_emails)

    assert redactor.may_change(values) or [redactor.redact(value) for value in values] == values


def test_an_ordinary_line_can_not_change() -> None:
    assert not Redactor(["hush"]).may_change(["message_delivered", "C1:1.1", 0.005, None, True, 7])


def test_nested_values_are_redacted() -> None:
    value = {"a": ["hush", ("x", {"hush": b"hush"})], "n": 1, "f": 0.5, "t": True, "none": None}

    assert Redactor(["hush"]).redact(value) == {
        "a": ["***", ["x", {"***": "b'***'"}]],
        "n": 1,
        "f": 0.5,
        "t": True,
        "none": None,
    }


def test_objects_of_other_types_become_texts() -> None:
    class Faulty:
        def __str__(self) -> str:
            raise RuntimeError("no")

    redactor = Redactor(["hush"])

    assert redactor.redact(ValueError("hush")) == "***"
    assert redactor.redact(TimeoutError()) == "TimeoutError()"
    assert redactor.redact(float("nan")) == "nan"
    assert redactor.redact(Faulty()) == "<Faulty that can't be shown: RuntimeError>"


@given(st.text(min_size=6), st.text(), st.text())
def test_no_surrounding_text_hides_a_secret(secret: str, before: str, after: str) -> None:
    redacted = Redactor([secret]).redact_text(before + secret + after)

    assert not any(secret in piece for piece in redacted.split("***"))


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to ann.lee+x@mail.example.org!", "write to ***!"),
        ("<mailto:a@b.example|a@b.example>", "<mailto:***|***>"),
        ("the token is xoxb-1-2-abc", "the token is ***"),
        ("our own is s3cret", "our own is ***"),
        ("<@U1> at 5 @ noon, user@host, <#C1|ops>", "<@U1> at 5 @ noon, user@host, <#C1|ops>"),
        ("hello, wörld 😀", "hello, wörld 😀"),
    ],
)
def test_e_mail_addresses_are_removed_on_request(text: str, redacted: str) -> None:
    redactor = Redactor(["s3cret"], hides_emails=True)

    assert redactor.redact({"a": [text, {text: 1}]}) == {"a": [redacted, {redacted: 1}]}


def test_json_values_without_text_are_unchanged() -> None:
    value: dict[str, object] = {"a": None, "b": True, "c": 1.5, "d": [], "e": {}}

    assert Redactor(hides_emails=True).redact(value) == value
