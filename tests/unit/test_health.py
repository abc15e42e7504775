"""The health registry and its log messages."""

import pytest
from structlog.testing import capture_logs

from application.health import HealthRegistry, HealthStatus

HEALTH_CHECKS = ("flyte", "slack", "storage", "outbox")


def test_every_check_is_unhealthy_until_its_first_report() -> None:
    checks = HealthRegistry(HEALTH_CHECKS).checks()

    assert list(checks) == ["flyte", "slack", "storage", "outbox"]
    assert set(checks.values()) == {HealthStatus(healthy=False, status="starting")}


def test_a_report_replaces_the_previous_one() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)

    registry.reporter("storage").report(healthy=True, status="working")
    registry.reporter("slack").report(healthy=False, status="out of reach")
    registry.reporter("slack").report(healthy=True, status="connected")

    assert list(registry.checks()) == list(HEALTH_CHECKS)
    assert registry.checks()["slack"] == HealthStatus(healthy=True, status="connected")


def test_the_pack_is_healthy_when_every_check_is() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)
    for check in HEALTH_CHECKS:
        assert not registry.is_healthy
        registry.reporter(check).report(healthy=True, status="fine")

    assert registry.is_healthy


def test_a_change_is_logged_once_however_often_it_is_reported() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)

    with capture_logs() as logs:
        for _ in range(3):
            registry.reporter("flyte").report(healthy=True, status="reached")
        for _ in range(3):
            registry.reporter("flyte").report(healthy=False, status="out of reach")

    assert logs == [
        {"event": "healthy", "log_level": "info", "check": "flyte", "status": "reached"},
        {"event": "unhealthy", "log_level": "warning", "check": "flyte", "status": "out of reach"},
    ]


def test_a_new_reason_for_being_unhealthy_is_logged() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)

    with capture_logs() as logs:
        registry.reporter("slack").report(healthy=False, status="out of reach")
        registry.reporter("slack").report(healthy=False, status="the token is refused")

    assert [line["status"] for line in logs] == ["out of reach", "the token is refused"]


def test_changed_figures_are_not_a_new_reason() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)

    with capture_logs() as logs:
        registry.reporter("outbox").report(healthy=False, status="messages waiting: 7")
        registry.reporter("outbox").report(healthy=False, status="messages waiting: 1200")

    assert [line["status"] for line in logs] == ["messages waiting: 7"]
    assert registry.checks()["outbox"].status == "messages waiting: 1200"


def test_an_unknown_check_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no check 'slcak'; there are: flyte, slack, storage, outbox"):
        HealthRegistry(HEALTH_CHECKS).reporter("slcak")


def test_notes_follow_the_status_and_make_nothing_unhealthy() -> None:
    registry = HealthRegistry(HEALTH_CHECKS)
    slack = registry.reporter("slack")
    slack.report(healthy=True, status="connected")

    slack.note("backfill", "reading the history of 3 channels")
    slack.note("clock", "the clock is 90 s ahead of Slack's")
    registry.reporter("slack").note("clock", "")

    assert registry.checks()["slack"] == HealthStatus(
        healthy=True, status="connected; reading the history of 3 channels"
    )
    slack.note("backfill", "")
    assert registry.checks()["slack"] == HealthStatus(healthy=True, status="connected")
