from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import text

from adapters.http.dates import server_time

TIME = datetime(2026, 11, 24, 11, 59, 37, tzinfo=UTC)


def test_a_date_header_is_parsed() -> None:
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 GMT"}) == TIME
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 -0000"}) == TIME


def test_an_invalid_date_header_is_none() -> None:
    for headers in ({}, {"Date": ""}, {"Date": "soon"}, {"Date": "Tue, 99 Nov 2026 11:59:37 GMT"}):
        assert server_time(headers) is None


@pytest.mark.parametrize("year", ["0", "1", "1970", "2019", "2100", "9999", "10000", "99999999999", "9" * 5000, "-1"])
def test_an_implausible_year_is_none(year: str) -> None:
    assert server_time({"Date": f"Tue, 24 Nov {year} 11:59:37 GMT"}) is None


@given(text())
def test_no_text_raises_an_error(date: str) -> None:
    assert server_time({"Date": date}) is None
