"""How long a server asks to wait, in any form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, none, text

from adapters.http.retry_after import retry_after_seconds

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HOUR = 3600


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0.5", 0.5),
        (30, 30),
        (1.5, 1.5),
        ("3600", HOUR),
        ("3601", HOUR),
        ("100000000000", HOUR),
        ("1e300", HOUR),
        ("1000000000000000", HOUR),
        ("9" * 5000, HOUR),
        (10**400, HOUR),
        ("inf", HOUR),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 14:00:00 GMT", HOUR),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        (str(int(NOW.timestamp()) + 30), 30),
        (int(NOW.timestamp()) + 30, 30),
        (int(NOW.timestamp()) + 86_400, HOUR),
        (int(NOW.timestamp()) * 1000, HOUR),
    ],
)
def test_a_time_to_wait_is_understood_in_every_form(value: object, seconds: float) -> None:
    assert retry_after_seconds(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "soon", "nan", "-inf", "-3", "0", -3, 0, float("nan"), True, [30], {"seconds": 30}),
        "Tue, 24 Nov 2026 11:59:59 GMT",
        "Tue, 24 Nov 99999999999 11:59:37 GMT",
        str(int(NOW.timestamp()) - 30),
    ],
)
def test_anything_else_is_one_second(value: object) -> None:
    assert retry_after_seconds(value, now=NOW) == 1


def test_the_first_value_that_tells_counts() -> None:
    assert retry_after_seconds("soon", None, "7", 30, now=NOW) == 7


@given(none() | text() | floats() | integers())
def test_every_wait_is_positive_and_at_most_an_hour(value: object) -> None:
    assert 0 < retry_after_seconds(value, now=NOW) <= HOUR
