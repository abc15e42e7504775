"""Slack and Flyte that answer otherwise than they should."""

from pathlib import Path

import pytest

from tests.flow_tests.running import failure, played


def test_slack_asks_for_patience_for_a_while(tmp_path: Path) -> None:
    steps = "- {slack: ratelimited, for: 30s}\n- say: echo a\n- expect: {message: a, after: 30s, within: 31s}"

    assert played(tmp_path, steps).failure is None


@pytest.mark.parametrize("code", ["is_archived", "msg_too_long", "a_code_of_tomorrow"])
def test_slack_refuses_with_a_code(code: str, tmp_path: Path) -> None:
    steps = f"""
    - {{slack: {code}, times: 1}}
    - say: echo a
    - expect: {{event: SendMessageFailed, payload: {{error: {{matches: '^{code}: '}}}}}}
    - say: echo b
    - expect: b
    """
    assert played(tmp_path, steps).failure is None


def test_slack_is_out_of_reach_and_nothing_is_lost(tmp_path: Path) -> None:
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
    assert played(tmp_path, steps).failure is None


def test_slack_works_again_when_it_is_told_to(tmp_path: Path) -> None:
    steps = """
    - slack: unreachable
    - say: echo a
    - expect: nothing
      for: 2m
    - slack: works
    - expect: a
      within: 35s
    """
    assert played(tmp_path, steps).failure is None


def test_a_channel_can_t_be_joined(tmp_path: Path) -> None:
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
    assert played(tmp_path, steps, head=head, flow=flow).failure is None


@pytest.mark.parametrize("posted", ["true", "false"])
def test_a_post_in_doubt_is_looked_for_and_stands_once(posted: str, tmp_path: Path) -> None:
    steps = (
        f"- {{slack: in_doubt, times: 1, posted: {posted}}}\n- say: echo a\n- expect: a\n- expect: nothing\n  for: 1m"
    )

    assert played(tmp_path, steps).failure is None


def test_flyte_is_down_for_a_while_and_nothing_is_lost(tmp_path: Path) -> None:
    steps = "- {flyte: down, for: 1h}\n- say: echo a\n- expect: nothing\n  for: 1h\n- expect: a\n  within: 15s"

    assert played(tmp_path, steps).failure is None


def test_flyte_fails_a_few_times(tmp_path: Path) -> None:
    steps = "- {flyte: fails, times: 3}\n- say: echo a\n- expect: a"

    assert played(tmp_path, steps).failure is None


def test_what_comes_late_is_told_with_its_time(tmp_path: Path) -> None:
    found = failure(tmp_path, "- {flyte: down, for: 30s}\n- say: echo a\n- expect: a")

    assert found.reason.startswith("it did not happen within 10 s; it happened after 3")
    assert found.line == 8
