"""Faults of Slack and Flyte."""

from pathlib import Path

import pytest

from tests.flow_tests.running import failure_of, run_steps


def test_a_rate_limit_of_slack_delays_the_answer(tmp_path: Path) -> None:
    steps = "- {slack: ratelimited, for: 30s}\n- say: echo a\n- expect: {message: a, after: 30s, within: 31s}"

    assert run_steps(tmp_path, steps).failure is None


@pytest.mark.parametrize("code", ["is_archived", "msg_too_long", "a_code_of_tomorrow"])
def test_slack_rejects_a_post_with_a_code(code: str, tmp_path: Path) -> None:
    steps = f"""
    - {{slack: {code}, times: 1}}
    - say: echo a
    - expect: {{event: SendMessageFailed, payload: {{error: {{matches: '^{code}: '}}}}}}
    - say: echo b
    - expect: b
    """
    assert run_steps(tmp_path, steps).failure is None


def test_nothing_is_lost_while_slack_is_unreachable(tmp_path: Path) -> None:
    steps = """
    - {slack: unreachable, for: 5m}
    - say: echo a
    - wait: 1m
    - say: echo b
    - expect: nothing
      for: 3m
    - expect: [a, b]
      within: 2m
    """
    assert run_steps(tmp_path, steps).failure is None


def test_slack_works_again_on_request(tmp_path: Path) -> None:
    steps = """
    - slack: unreachable
    - say: echo a
    - expect: nothing
      for: 2m
    - slack: works
    - expect: a
      within: 35s
    """
    assert run_steps(tmp_path, steps).failure is None


def test_a_channel_cannot_be_joined(tmp_path: Path) -> None:
    flow = """
    name: join
    steps:
    - event: {packName: Timer, name: Rang}
      command: {packName: Slack, name: JoinChannel, input: {channelId: C9}}
    """
    head = 'channels: {"#general": {}, "#board": {id: C9, joined: false}}\n'
    steps = """
    - {slack: missing_scope, call: join, times: 1}
    - {event: Rang, pack: Timer}
    - expect: {event: JoinChannelFailed, payload: {error: {contains: missing_scope}}}
    - {event: Rang, pack: Timer}
    - expect: {event: ChannelJoined}
    """
    assert run_steps(tmp_path, steps, head=head, flow=flow).failure is None


@pytest.mark.parametrize(("posted", "within"), [("true", "1s"), ("false", "65s")])
def test_a_post_in_doubt_is_searched_for_and_appears_once(posted: str, within: str, tmp_path: Path) -> None:
    steps = (
        f"- {{slack: in_doubt, times: 1, posted: {posted}}}\n- say: echo a\n- expect: a\n  within: {within}\n"
        "- expect: nothing\n  for: 2m"
    )

    assert run_steps(tmp_path, steps).failure is None


def test_nothing_is_lost_while_flyte_is_down(tmp_path: Path) -> None:
    steps = "- {flyte: down, for: 1h}\n- say: echo a\n- expect: nothing\n  for: 1h\n- expect: a\n  within: 15s"

    assert run_steps(tmp_path, steps).failure is None


def test_flyte_fails_a_few_times(tmp_path: Path) -> None:
    steps = "- {flyte: fails, times: 3}\n- say: echo a\n- expect: a"

    assert run_steps(tmp_path, steps).failure is None


def test_a_late_message_is_reported_with_its_time(tmp_path: Path) -> None:
    found = failure_of(tmp_path, "- {flyte: down, for: 30s}\n- say: echo a\n- expect: a")

    assert found.reason.startswith("it did not happen within 10 s; it happened after 3")
    assert found.line == 8
