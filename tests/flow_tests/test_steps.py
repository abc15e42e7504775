"""The steps of a flow test."""

from pathlib import Path

import pytest

from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from tests.flow_tests.running import ASKING, BROADCASTING, ECHO, ORACLE, THREADED, failure_of, run_steps, write_test


def test_a_message_is_answered(tmp_path: Path) -> None:
    result = run_steps(tmp_path, "- say: echo hello\n- expect: hello")

    assert result.failure is None
    assert result.virtual_seconds < 1


def test_messages_commands_and_events_are_expected_in_their_order(tmp_path: Path) -> None:
    steps = """
    - say: what is it?
      as: bob
    - expect:
      - {event: ReceivedMessage, pack: Slack, payload: {message: "what is it?", user: {name: Bob}}}
      - {command: Ask, pack: Oracle, input: {by: "{{ people.bob }}", words: [a, "what is it?"]}}
      - {event: Answered, payload: {details: {certain: true}}}
      - {command: SendMessage}
      - message: 42 for <@bob>
      - {event: MessageSent}
    """
    assert run_steps(tmp_path, steps, flow=ASKING).failure is None


def test_a_thread_is_distinguished_from_the_channel(tmp_path: Path) -> None:
    steps = """
    - say: echo a
      id: first
    - expect:
      - {message: a, thread: first}
    - say: echo b
      thread: first
    - expect:
      - {message: b, thread: first, id: answer}
    - say: echo c
      thread: answer
    - expect:
      - {message: c, thread: first}
    """
    assert run_steps(tmp_path, steps, flow=THREADED).failure is None
    assert "in the channel itself" in failure_of(tmp_path, "- say: echo a\n- expect: a", flow=THREADED).reason


def test_a_text_may_match_or_contain(tmp_path: Path) -> None:
    steps = """
    - say: echo hello 123
    - expect:
      - message: {matches: '^hello \\d+$'}
    - say: echo hello
    - expect: {message: {contains: ell}}
    """
    assert run_steps(tmp_path, steps).failure is None


def test_typed_text_arrives_as_slack_delivers_it(tmp_path: Path) -> None:
    steps = """
    - say: "echo 1 < 2 & @bob in #ops"
    - expect: "1 &lt; 2 &amp; <@bob> in <#ops>"
    - say: "echo <!channel>"
      raw: true
    - expect: "<!channel>"
    """
    assert run_steps(tmp_path, steps).failure is None


def test_a_name_in_place_of_an_id_is_not_a_mention(tmp_path: Path) -> None:
    found = failure_of(
        tmp_path, '- {say: "echo <@alice>", raw: true}\n- expect: "<@alice>"'.replace('alice>", raw', 'Alice>", raw')
    )

    assert found.reason.startswith('the text is "<@?Alice>", not "<@alice>"')


def test_a_wait_lets_time_pass(tmp_path: Path) -> None:
    assert run_steps(tmp_path, "- wait: 1m30s").virtual_seconds == pytest.approx(90, abs=1)


def test_expecting_nothing_takes_its_time(tmp_path: Path) -> None:
    assert run_steps(tmp_path, "- say: hello\n- expect: nothing\n  for: 5m").virtual_seconds > 300
    assert failure_of(tmp_path, "- say: echo hello\n- expect: nothing").reason == (
        "a flow sends a command, and nothing was expected; it is sent by flow echo, step answer"
    )


def test_a_command_fails_the_expectation_of_nothing(tmp_path: Path) -> None:
    assert "a flow sends a command" in failure_of(tmp_path, "- say: hello\n- expect: nothing", flow=ASKING).reason


def test_any_order_means_each_once(tmp_path: Path) -> None:
    steps = """
    - {event: Rang, pack: Timer, payload: {what: noon}}
    - expect:
      - {message: noon, in: "#ops"}
      - {message: noon, in: "#general"}
      order: any
    """
    assert run_steps(tmp_path, steps, flow=BROADCASTING).failure is None
    again = steps.replace("#ops", "#general")
    assert "does not expect" in failure_of(tmp_path, again, flow=BROADCASTING).reason


def test_other_messages_are_accepted_where_allowed(tmp_path: Path) -> None:
    steps = "- say: echo a\n- say: echo b\n- expect: b\n"

    assert run_steps(tmp_path, steps + "  others: allowed").failure is None
    assert failure_of(tmp_path, steps).reason.startswith('the text is "a", not "b"')


def test_an_unexpected_message_fails_the_test(tmp_path: Path) -> None:
    at_the_end = failure_of(tmp_path, "- say: echo a\n- expect: a\n- say: echo b")
    on_the_way = failure_of(tmp_path, "- say: echo a\n- wait: 1s\n- expect: nothing")

    assert at_the_end.step == "the end"
    assert on_the_way.step == "step 3"


def test_steps_are_repeated_with_the_number_of_the_round(tmp_path: Path) -> None:
    steps = """
    - repeat: 30
      every: 10s
      steps:
      - {say: "echo {{ n }} of 30", id: it}
      - expect: "{{ n }} of {% if it.timestamp %}30{% endif %}"
    """
    assert run_steps(tmp_path, steps).virtual_seconds == pytest.approx(300, abs=1)
    assert failure_of(tmp_path, steps.replace("of {%", "of{%")).step == "step 1, round 1, step 2"


def test_the_pack_receives_messages_only_where_it_is_a_member(tmp_path: Path) -> None:
    steps = """
    - {say: echo a, in: "#board"}
    - expect: nothing
    - invite: "#board"
    - {say: echo b, in: "#board"}
    - expect: b
    - remove: "#board"
    - {say: echo c, in: "#board"}
    - expect: nothing
    - {say: echo d, in: "@flyte"}
    - expect: d
    """
    head = 'channels: {"#general": {}, "#board": {joined: false, private: true}}\n'

    assert run_steps(tmp_path, steps, head=head).failure is None


def test_a_removal_that_slack_does_not_allow_fails_the_test(tmp_path: Path) -> None:
    failure = failure_of(tmp_path, "- say: echo a\n- expect: a\n- remove: '#general'")

    assert (failure.step, failure.reason) == ("step 3", "no one can be removed from #general")


def test_people_channels_and_the_datastore_are_set_up(tmp_path: Path) -> None:
    flow = (
        THREADED.replace("slice:'5:'", "slice:'5:4'")
        .replace("{{ Event.Payload.channelId }}", "{{ datastore('room') }}")
        .replace(
            'threadTimestamp: "{{ Event.Payload.threadTimestamp }}"\n      message: "',
            'message: "{{ Event.Payload.user.email }}',
        )
    )
    head = """
    people: {zoe: {id: U7, email: zoe@example.org}}
    channels: {"#a": C1, "#b": C2}
    datastore: {room: C2}
    """
    steps = '- say: echo\n- say: "echo "\n- expect: {message: zoe@example.org, in: "#b"}'

    assert run_steps(tmp_path, steps, flow=flow, head=head).failure is None


def test_the_datastore_can_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "items.yaml").write_text("answer: {word: 12:30}")
    flow = ECHO.replace("Event.Payload.message|slice:'5:'", "datastore('answer').word")

    steps = "- say: echo a\n- expect: '12:30'"

    assert run_steps(tmp_path, steps, flow=flow, head="datastore: items.yaml\n").failure is None


def test_settings_of_the_pack_are_applied(tmp_path: Path) -> None:
    head = "settings: {FLYTE_SLACK_MESSAGE_BURST: 1, FLYTE_SLACK_MESSAGES_PER_SECOND: 0.5}\n"
    steps = """
    - say: echo a
    - say: echo b
    - expect:
      - {message: a, within: 0.1}
      - {message: b, after: 1.9s, within: 2.1s}
    """
    assert run_steps(tmp_path, steps, head=head).failure is None


def test_labels_of_the_pack_are_visible_to_flows(tmp_path: Path) -> None:
    flow = ASKING.replace("name: ReceivedMessage}", "name: ReceivedMessage, packLabels: {env: prod}}")
    steps = "- say: hello\n- expect: 42 for <@alice>"

    assert run_steps(tmp_path, steps, flow=flow, head="settings: {FLYTE_LABELS: env=prod}\n").failure is None
    assert "the pack's labels" in failure_of(tmp_path, steps, flow=flow).reason


def test_flows_see_the_virtual_time(tmp_path: Path) -> None:
    flow = BROADCASTING.replace("{{ Event.Payload.what }}", "{{ Event.ReceivedAt|date:'2006-01-02 15:04' }}")
    steps = "- wait: 1h\n- {event: Rang, pack: Timer}\n- expect: {message: 2031-05-07 00:30}"

    head = 'start: "2031-05-06T23:30:00Z"\nchannels: ["#general"]\n'
    assert run_steps(tmp_path, steps, flow=flow, head=head).failure is None


def test_two_runs_of_a_test_are_identical(tmp_path: Path) -> None:
    flow = BROADCASTING.replace("{{ Event.Payload.what }}", "{{ randomAlpha(20) }}")
    steps = "- {flyte: down, for: 1m}\n- say: hello\n- {event: Rang, pack: Timer}\n- expect: {message: nope}"

    first, second = (failure_of(tmp_path, steps, flow=flow, head='channels: ["#general"]\n') for _ in range(2))

    assert first == second


def test_a_scripted_pack_may_take_its_time(tmp_path: Path) -> None:
    path = write_test(
        tmp_path, "- say: when?\n- expect: {message: 42 for <@alice>, after: 1m, within: 61s}", flow=ASKING
    )
    (tmp_path / "oracle.yaml").write_text(ORACLE.replace("event: Answered", "event: Answered, after: 1m"))
    (test,) = read_tests(path)

    with silent_logs():
        assert run_test(test).failure is None
