"""What the health board shows, and when it speaks up in the log."""

import pytest
from structlog.testing import capture_logs

from application.health import CHECKS, HealthRegistry, HealthStatus


def test_every_check_is_unhealthy_until_its_first_report() -> None:
    checks = HealthRegistry().checks()

    assert list(checks) == ["flyte", "slack", "storage", "outbox"]
    assert set(checks.values()) == {HealthStatus(healthy=False, status="starting")}


def test_a_report_replaces_the_previous_one() -> None:
    board = HealthRegistry()

    board.report("storage", healthy=True, status="working")
    board.report("slack", healthy=False, status="out of reach")
    board.report("slack", healthy=True, status="connected")

    assert list(board.checks()) == list(CHECKS)
    assert board.checks()["slack"] == HealthStatus(healthy=True, status="connected")


def test_the_pack_is_healthy_when_every_check_is() -> None:
    board = HealthRegistry()
    for check in CHECKS:
        assert not board.is_healthy
        board.report(check, healthy=True, status="fine")

    assert board.is_healthy


def test_a_change_is_logged_once_however_often_it_is_reported() -> None:
    board = HealthRegistry()

    with capture_logs() as logs:
        for _ in range(3):
            board.report("flyte", healthy=True, status="reached")
        for _ in range(3):
            board.report("flyte", healthy=False, status="out of reach")

    assert logs == [
        {"event": "healthy", "log_level": "info", "check": "flyte", "status": "reached"},
        {"event": "unhealthy", "log_level": "warning", "check": "flyte", "status": "out of reach"},
    ]


def test_a_new_reason_for_being_unhealthy_is_logged() -> None:
    board = HealthRegistry()

    with capture_logs() as logs:
        board.report("slack", healthy=False, status="out of reach")
        board.report("slack", healthy=False, status="the token is refused")

    assert [line["status"] for line in logs] == ["out of reach", "the token is refused"]


def test_changed_figures_are_not_a_new_reason() -> None:
    board = HealthRegistry()

    with capture_logs() as logs:
        board.report("outbox", healthy=False, status="messages waiting: 7")
        board.report("outbox", healthy=False, status="messages waiting: 1200")

    assert [line["status"] for line in logs] == ["messages waiting: 7"]
    assert board.checks()["outbox"].status == "messages waiting: 1200"


def test_an_unknown_check_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no check 'slcak'; there are: flyte, slack, storage, outbox"):
        HealthRegistry().report("slcak", healthy=True, status="fine")
