from datetime import UTC, datetime

from adapters.http.dates import server_time

TIME = datetime(2026, 11, 24, 11, 59, 37, tzinfo=UTC)


def test_a_date_header_is_parsed() -> None:
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 GMT"}) == TIME
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 -0000"}) == TIME


def test_an_invalid_date_header_is_none() -> None:
    for headers in ({}, {"Date": ""}, {"Date": "soon"}, {"Date": "Tue, 99 Nov 2026 11:59:37 GMT"}):
        assert server_time(headers) is None
