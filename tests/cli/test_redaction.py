"""What is taken out of texts before they reach a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.observability.redaction import Redaction


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("token xoxb-1234-5678-abcDEF is bad", "token *** is bad"),
        ("xoxe.xoxp-1-abc", "***"),
        ("('xapp-1-A0-9-f00d')", "('***')"),
        ("wss://w.slack.com/link/?ticket=12-34&app_id=A1", "wss://w.slack.com/link/?ticket=***&app_id=A1"),
        ("https://slack.com/api/x?token=abc&c=1", "https://slack.com/api/x?token=***&c=1"),
        ("Authorization: Bearer abc.def/g=", "Authorization: Bearer ***"),
        ("a jwt eyJhbGciOi.eyJzdWIi.c2ln!", "a jwt ***!"),
        ("http://me:pass@proxy:3128/x", "http://***@proxy:3128/x"),
        ("redis://:p@ss@host/0", "redis://***@host/0"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, redacted: str) -> None:
    assert Redaction().text(text) == redacted


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
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert Redaction().text(text) == text


def test_a_known_secret_is_taken_out_wherever_it_stands() -> None:
    redact = Redaction(["token_abc", ""])

    assert redact.text("<token_abc>token_abctoken_abc") == "<***>******"


@pytest.mark.parametrize(
    "spelling", ['p"a\\s s/é', 'p\\"a\\\\s s/\\u00e9', "p%22a%5Cs%20s%2F%C3%A9", "p%22a%5Cs+s%2F%C3%A9"]
)
def test_a_known_secret_is_recognised_as_json_and_urls_spell_it(spelling: str) -> None:
    assert Redaction(['p"a\\s s/é']).text(f"[{spelling}]") == "[***]"


def test_the_longest_secret_goes_first() -> None:
    assert Redaction(["abc", "abcdef"]).text("abcdef") == "***"


def test_values_are_searched_to_their_depths() -> None:
    value = {"a": ["hush", ("x", {"hush": b"hush"})], "n": 1, "f": 0.5, "t": True, "none": None}

    assert Redaction(["hush"]).value(value) == {
        "a": ["***", ["x", {"***": "b'***'"}]],
        "n": 1,
        "f": 0.5,
        "t": True,
        "none": None,
    }


def test_other_objects_become_texts() -> None:
    class Unwilling:
        def __str__(self) -> str:
            raise RuntimeError("no")

    redact = Redaction(["hush"])

    assert redact.value(ValueError("hush")) == "***"
    assert redact.value(TimeoutError()) == "TimeoutError()"
    assert redact.value(float("nan")) == "nan"
    assert redact.value(Unwilling()) == "<Unwilling that can't be shown: RuntimeError>"


@given(st.text(min_size=6), st.text(), st.text())
def test_no_text_around_a_secret_hides_it(secret: str, before: str, after: str) -> None:
    redacted = Redaction([secret]).text(before + secret + after)

    assert not any(secret in piece for piece in redacted.split("***"))
