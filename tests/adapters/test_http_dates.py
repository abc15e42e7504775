from datetime import UTC, datetime

from adapters.http.dates import server_time

TIME = datetime(2026, 11, 24, 11, 59, 37, tzinfo=UTC)


def test_a_date_is_read_as_a_time() -> None:
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 GMT"}) == TIME
    assert server_time({"Date": "Tue, 24 Nov 2026 11:59:37 -0000"}) == TIME


def test_what_is_no_date_tells_no_time() -> None:
    for headers in ({}, {"Date": ""}, {"Date": "soon"}, {"Date": "Tue, 99 Nov 2026 11:59:37 GMT"}):
        assert server_time(headers) is None
