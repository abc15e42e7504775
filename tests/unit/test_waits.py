"""For what entries wait, as operators are told."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from application.catalog.commands import COMMANDS_BY_NAME
from application.health import HealthStatus
from application.ports.chat import Chat
from application.ports.work import Work
from application.services.waits import Wait, WaitKind, Waits
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName
from domain.channels import ChannelId
from domain.commands import Broadcast, ChatCommand, Command, SendMessage
from domain.messages import IncomingMessage, OutgoingMessage
from domain.outbox import Lane, OutboxEntry, outbox_entry
from tests.support.chat_commands import METHODS

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LANE = Lane("C1")
PACK = "pack-1"
POST = SendMessage(OutgoingMessage(ChannelId("C1"), "hello"))
IN_HAND = Work(packs=(PACK,), deliveries={LANE: PACK}, owners={ActionId("A"): PACK, ActionId("B"): PACK})


def message(number: int = 1) -> OutboxEntry:
    return outbox_entry(IncomingMessage(ChannelId("C1"), f"{number}.0", "text", "U1"), NOW)


def action(command: Command = POST, name: str = "A", state: ActionState = ActionState.TAKEN) -> JournalEntry:
    return JournalEntry(Action(ActionId(name), command), NOW, state)


def waits(work: Work | None = IN_HAND, paused: Mapping[str, float] | None = None, **health: str) -> Waits:
    """`health` has the statuses of unhealthy checks."""
    checks = {name: HealthStatus(healthy=False, status=status) for name, status in health.items()}
    return Waits(work, paused or {}, checks, messages_per_second=1, message_burst=10)


def kind(wait: Wait | None) -> WaitKind:
    assert wait is not None
    return wait.kind


def test_a_message_waits_for_the_first_one_of_its_lane() -> None:
    asked = waits()
    asked.of_message(message(1))
    assert asked.of_message(message(2)) == Wait(WaitKind.EARLIER, "an earlier one of its lane: C1:1.0")


def test_a_message_in_the_hands_of_a_pack_waits_for_flyte() -> None:
    assert waits().of_message(message()) == Wait(WaitKind.FLYTE, "Flyte to accept it from pack-1")


def test_a_message_waits_for_a_flyte_that_is_down() -> None:
    assert waits(flyte="out of reach").of_message(message()) == Wait(WaitKind.FLYTE, "Flyte (out of reach)")


def test_a_message_waits_for_a_valid_token_if_flyte_refuses_the_one_of_the_pack() -> None:
    assert kind(waits(flyte="refuses the pack's token").of_message(message())) is WaitKind.TOKEN


def test_a_rejected_message_waits_for_its_next_attempt() -> None:
    delayed = waits(Work(packs=(PACK,), delays={LANE: 7.2}))
    assert delayed.of_message(replace(message(), rejections=3)) == Wait(
        WaitKind.FLYTE, "Flyte, which rejected it 3 times: again within 8 s", 7.2
    )


def test_a_missed_message_waits_for_slack_to_look_up_its_author() -> None:
    missed = replace(message(), is_backfilled=True)
    assert kind(waits(slack="out of reach").of_message(missed)) is WaitKind.SLACK
    assert kind(waits(paused={"look_up": 30.0}).of_message(missed)) is WaitKind.PAUSE


def test_a_message_that_no_pack_has_claimed_waits_for_its_turn() -> None:
    assert kind(waits(Work(packs=(PACK,))).of_message(message())) is WaitKind.TURN


def test_a_message_of_a_lost_replica_waits_for_the_end_of_its_lease() -> None:
    assert kind(waits(Work(packs=(PACK,), deliveries={LANE: ""})).of_message(message())) is WaitKind.REPLICA


def test_everything_waits_for_a_pack_if_none_is_running() -> None:
    stopped = Work(packs=())
    assert kind(waits(stopped).of_message(message())) is WaitKind.PACK
    assert kind(waits(stopped).of_action(action())) is WaitKind.PACK
    assert kind(waits(stopped).of_action(action(state=ActionState.COMPLETED))) is WaitKind.PACK


def test_what_was_set_aside_waits_for_nothing() -> None:
    assert waits().of_message(replace(message(), dead_letter_reason="refused")) is None
    assert waits().of_action(action(state=ActionState.DEAD_LETTERED)) is None


def test_an_action_waits_for_an_earlier_one_of_its_channel() -> None:
    asked = waits()
    asked.of_action(action(name="A"))
    assert asked.of_action(action(name="B")) == Wait(WaitKind.EARLIER, "an earlier one of its channel: A")


def test_an_executed_action_waits_for_flyte_and_holds_up_no_other() -> None:
    asked = waits()
    assert asked.of_action(action(state=ActionState.COMPLETED)) == Wait(WaitKind.FLYTE, "Flyte to accept its result")
    assert kind(asked.of_action(action(name="B"))) is WaitKind.SLACK


def test_a_post_waits_for_the_pause_of_its_channel() -> None:
    assert waits(paused={"C1": 119.3}).of_action(action()) == Wait(
        WaitKind.PAUSE, "a pause that Slack asked for (C1): 120 s more", 119.3
    )


def test_a_post_waits_for_the_pace_of_its_channel() -> None:
    reserved = replace(IN_HAND, reserved={"C1": 13.5})
    assert waits(reserved).of_action(action()) == Wait(WaitKind.PACE, "the pace of its channel: 4 s more", 3.5)


def test_a_post_within_the_burst_does_not_wait_for_the_pace() -> None:
    assert kind(waits(replace(IN_HAND, reserved={"C1": 9.5})).of_action(action())) is WaitKind.SLACK


def test_posts_wait_for_a_limit_on_all_of_them() -> None:
    limited = waits(slack="connected; all posts held back for 8 s")
    assert kind(limited.of_action(action())) is WaitKind.PAUSE


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("out of reach", WaitKind.SLACK),
        ("out of reach; not connected", WaitKind.SLACK),
        ("the token is refused (token_revoked)", WaitKind.TOKEN),
    ],
)
def test_an_action_waits_for_slack_or_a_valid_token(status: str, expected: WaitKind) -> None:
    assert kind(waits(slack=status).of_action(action())) is expected


def test_a_broadcast_waits_for_the_channels_in_which_it_has_not_posted() -> None:
    done, open_ = Step(begun_at=NOW, error="failed"), Step()
    entry = replace(action(Broadcast("hello")), steps={StepName("C2"): done, StepName("C3"): open_})
    assert kind(waits(paused={"C3": 5.0}).of_action(entry)) is WaitKind.PAUSE
    assert kind(waits(paused={"C2": 5.0}).of_action(entry)) is WaitKind.SLACK


@pytest.mark.parametrize(
    ("command", "method"),
    [
        (ChatCommand("UpdateMessage", {"channelId": "C1"}), "update"),
        (ChatCommand("CallSlack", {"method": "pins.add"}), "pins.add"),
    ],
)
def test_a_command_waits_for_the_pause_of_its_method(command: Command, method: str) -> None:
    assert kind(waits(paused={method: 5.0}).of_action(action(command))) is WaitKind.PAUSE


def test_an_action_waits_for_the_replica_that_has_its_channel() -> None:
    assert waits(replace(IN_HAND, turns={LANE: "pack-2"})).of_action(action()) == Wait(
        WaitKind.REPLICA, "pack-2, which has the channel"
    )


def test_an_action_of_a_lost_replica_waits_for_the_end_of_its_lease() -> None:
    assert kind(waits(replace(IN_HAND, owners={ActionId("A"): ""})).of_action(action())) is WaitKind.REPLICA


def test_an_action_that_no_pack_has_taken_up_waits_for_one() -> None:
    assert kind(waits(Work(packs=(PACK,))).of_action(action())) is WaitKind.TURN


def test_of_a_storage_that_can_not_tell_only_the_rest_is_told() -> None:
    assert waits(None).of_message(message()) is None
    assert waits(None).of_action(action()) is None
    assert kind(waits(None, flyte="out of reach").of_message(message())) is WaitKind.FLYTE
    assert kind(waits(None, paused={"C1": 5.0}).of_action(action())) is WaitKind.PAUSE


def test_a_row_names_the_methods_of_chat_that_its_command_calls() -> None:
    methods = {name for name, _ in inspect.getmembers(Chat, inspect.iscoroutinefunction)}
    for command, method in METHODS.items():
        requests = COMMANDS_BY_NAME[command].requests
        assert set(requests) <= methods
        assert method in {*requests, "post", "call_method"}
