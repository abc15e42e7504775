"""The contract of the journal part of a storage."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given

from application.ports.storage import Storage
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step
from domain.commands import Broadcast, ChatCommand, Command, JoinChannel
from domain.events import BroadcastSent, ChannelJoined, CommandOutcome, Outcome
from domain.json_values import JsonObject
from domain.messages import Receipt
from domain.outbox import Backlog
from entrypoints.testing import strategies
from entrypoints.testing.storage_suite import Restart, StorageSuite, property_settings
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    NOW,
    RECEIPT,
    STEP_A,
    STEP_B,
    STEP_C,
    STEPS,
    A,
    B,
    C,
    X,
    Y,
    action,
    after,
    at,
    held,
)

SENT = BroadcastSent("hello", (A,))

UPLOAD = ChatCommand(
    "UploadFile",
    {
        "title": "Report",
        "content": "a secret report",
        "contentBase64": "",
        "responseUrl": "https://hooks.example/secret",
        "blocks": [{"triggerId": "secret.1"}],
    },
)
"""Not all of it is input of that command, but its row names a content."""
UPLOADED = CommandOutcome(
    "FileUploaded", {"title": "Report", "size": 15, "responseUrl": "https://hooks.example/secret"}
)

PREPARED: JsonObject = {"fileId": "F1", "uploadUrl": "https://files.example/secret-upload"}

_numbers = count()


async def loaded(storage: Storage, action_id: ActionId = X) -> JournalEntry:
    entry = await storage.journal.load(action_id)
    assert entry is not None
    return entry


async def answer(storage: Storage, command: Command) -> None:
    """Records an action with a step, and its outcome."""
    await storage.journal.record(Action(X, command), lane=LANE_A)
    await storage.journal.begin_step(X, STEP_A, await held(storage))
    await storage.journal.complete_step(X, STEP_A, await held(storage), result=PREPARED)
    await storage.journal.set_outcome(X, UPLOADED)


async def advance_to(storage: Storage, state: ActionState, action_id: ActionId = X) -> None:
    """Records the action and takes it to this state by the shortest path."""
    journal = at(storage, NOW).journal
    await journal.record(action(action_id), lane=LANE_A)
    if state is ActionState.EXECUTING:
        await journal.begin_step(action_id, STEP_A, await held(storage))
    elif state is not ActionState.TAKEN:
        await journal.set_outcome(action_id, SENT)
    if state is ActionState.REPORTED:
        await journal.mark_reported(action_id)
    elif state is ActionState.DEAD_LETTERED:
        await journal.dead_letter(action_id, "the engine said 500")


async def _begin_step(storage: Storage) -> None:
    await at(storage, after(9)).journal.begin_step(X, STEP_A, await held(storage))


async def _undo_begin_step(storage: Storage) -> None:
    await storage.journal.undo_begin_step(X, STEP_A, await held(storage))


async def _complete_step(storage: Storage) -> None:
    await storage.journal.complete_step(X, STEP_A, await held(storage), error="no")


TRANSITIONS: dict[str, Callable[[Storage], Awaitable[object]]] = {
    "plan_steps": lambda storage: storage.journal.plan_steps(X, [STEP_A]),
    "begin_step": _begin_step,
    "undo_begin_step": _undo_begin_step,
    "complete_step": _complete_step,
    "set_outcome": lambda storage: at(storage, after(9)).journal.set_outcome(X, ChannelJoined(B)),
    "mark_reported": lambda storage: storage.journal.mark_reported(X),
    "dead_letter": lambda storage: storage.journal.dead_letter(X, "again"),
}
ALLOWED = {
    ActionState.TAKEN: {"plan_steps", "begin_step", "set_outcome"},
    ActionState.EXECUTING: {"plan_steps", "begin_step", "undo_begin_step", "complete_step", "set_outcome"},
    ActionState.COMPLETED: {"mark_reported", "dead_letter"},
    ActionState.REPORTED: set[str](),
    ActionState.DEAD_LETTERED: set[str](),
}
FORBIDDEN = [(state, name) for state in ActionState for name in TRANSITIONS if name not in ALLOWED[state]]


class JournalContract(StorageSuite):
    async def test_an_action_that_was_given_back_has_no_owner(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.give_back(X)
        assert await storage.journal.discard(X)

    async def test_a_process_does_not_abandon_its_own_poll_session(self, storage: Storage) -> None:
        await at(storage, NOW).journal.open_poll_session()
        assert await storage.journal.abandoned_poll_session() is None

    async def test_the_first_poll_session_has_no_unclosed_predecessor(self, storage: Storage) -> None:
        assert await at(storage, NOW).journal.open_poll_session() is None

    async def test_a_closed_poll_session_is_forgotten(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session()
            await storage.journal.close_poll_session()
        async with (storage := restart()).open():
            assert await at(storage, after(60)).journal.open_poll_session() is None

    async def test_an_unclosed_poll_session_is_known_until_it_is_closed(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session()
        for _ in range(2):
            async with (storage := restart()).open():
                assert await at(storage, after(60)).journal.open_poll_session() == NOW
        async with (storage := restart()).open():
            await at(storage, after(60)).journal.open_poll_session()
            await storage.journal.close_poll_session()
            assert await storage.journal.open_poll_session() is None

    async def test_a_poll_session_begins_at_the_given_time(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session(after(-90))
        async with (storage := restart()).open():
            assert await at(storage, NOW).journal.open_poll_session(after(60)) == after(-90)

    async def test_a_poll_session_of_the_future_began_now_at_the_latest(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session(after(86_400))
        async with (storage := restart()).open():
            assert await at(storage, NOW).journal.open_poll_session(after(60)) == after(60)

    async def test_a_new_action_is_recorded_as_taken(self, storage: Storage) -> None:
        assert await at(storage, NOW).journal.record(action(), lane=LANE_A) is None
        assert await loaded(storage) == JournalEntry(action(), NOW)

    async def test_an_action_is_recorded_as_taken_at_the_given_time(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), at=after(-5), lane=LANE_A)
        assert (await loaded(storage)).taken_at == after(-5)

    async def test_an_action_never_recorded_is_unknown(self, storage: Storage) -> None:
        assert await storage.journal.load(X) is None

    @pytest.mark.parametrize("state", ActionState)
    async def test_an_action_recorded_again_is_recognised_in_every_state(
        self, storage: Storage, state: ActionState
    ) -> None:
        await advance_to(storage, state)
        before = await loaded(storage)
        assert await at(storage, after(60)).journal.record(action(), lane=LANE_A) == before
        assert before.state is state
        assert await loaded(storage) == before

    async def test_another_command_replaces_a_reported_action(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_A, STEP_B])
        await at(storage, NOW).journal.set_outcome(X, SENT)
        await storage.journal.mark_reported(X)
        other = action(X, JoinChannel(A))
        assert await at(storage, after(60)).journal.record(other, lane=LANE_A) is None
        assert await loaded(storage) == JournalEntry(other, after(60))

    @pytest.mark.parametrize("state", [state for state in ActionState if state is not ActionState.REPORTED])
    async def test_another_command_does_not_replace_an_unfinished_action(
        self, storage: Storage, state: ActionState
    ) -> None:
        await advance_to(storage, state)
        before = await loaded(storage)
        assert await at(storage, NOW).journal.record(action(X, Broadcast("other")), lane=LANE_A) == before
        assert await loaded(storage) == before

    async def test_a_plan_fixes_the_channels_in_order(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_C, STEP_A, STEP_B, STEP_A])
        entry = await loaded(storage)
        assert list(entry.steps.items()) == [(STEP_C, Step()), (STEP_A, Step()), (STEP_B, Step())]
        assert entry.state is ActionState.EXECUTING

    async def test_a_plan_may_be_empty(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [])
        assert await loaded(storage) == JournalEntry(action(), NOW, ActionState.EXECUTING)

    async def test_the_same_plan_again_changes_nothing(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_A, STEP_B])
        await at(storage, NOW).journal.begin_step(X, STEP_A, await held(storage))
        before = await loaded(storage)
        await storage.journal.plan_steps(X, [STEP_A, STEP_B])
        assert await loaded(storage) == before

    async def test_another_plan_is_refused(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_A, STEP_B])
        before = await loaded(storage)
        with pytest.raises(ValueError, match="planned"):
            await storage.journal.plan_steps(X, [STEP_B, STEP_A])
        assert await loaded(storage) == before

    async def test_a_step_begins_without_a_plan(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await at(storage, after(1)).journal.begin_step(X, STEP_A, await held(storage))
        entry = await loaded(storage)
        assert (entry.state, dict(entry.steps)) == (ActionState.EXECUTING, {STEP_A: Step(after(1))})

    async def test_a_step_that_begins_again_keeps_its_first_time(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        for seconds in (1, 2):
            await at(storage, after(seconds)).journal.begin_step(X, STEP_A, await held(storage))
        assert (await loaded(storage)).steps[STEP_A] == Step(after(1))

    async def test_a_step_of_a_plan_begins_in_its_place(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_C, STEP_A])
        await at(storage, after(1)).journal.begin_step(X, STEP_A, await held(storage))
        assert list((await loaded(storage)).steps.items()) == [(STEP_C, Step()), (STEP_A, Step(after(1)))]

    async def test_a_step_whose_beginning_is_undone_may_begin_again(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await at(storage, NOW).journal.begin_step(X, STEP_A, await held(storage))
        await storage.journal.undo_begin_step(X, STEP_A, await held(storage))
        assert (await loaded(storage)).steps == {STEP_A: Step()}
        await at(storage, after(9)).journal.begin_step(X, STEP_A, await held(storage))
        assert (await loaded(storage)).steps == {STEP_A: Step(after(9))}

    async def test_the_beginning_of_a_complete_or_unknown_step_cannot_be_undone(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await at(storage, NOW).journal.begin_step(X, STEP_A, await held(storage))
        await storage.journal.complete_step(X, STEP_A, await held(storage), result=RECEIPT)
        for channel in (STEP_A, STEP_B):
            with pytest.raises(ValueError, match="retracted"):
                await storage.journal.undo_begin_step(X, channel, await held(storage))

    @pytest.mark.parametrize("end", [Step(result=RECEIPT), Step(error="is_archived: gone")])
    async def test_a_complete_step_keeps_the_time_it_began(self, storage: Storage, end: Step) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        await storage.journal.complete_step(X, STEP_A, await held(storage), result=end.result, error=end.error)
        assert (await loaded(storage)).steps[STEP_A] == replace(end, begun_at=NOW)

    async def test_a_planned_step_may_be_completed_without_having_begun(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_A])
        await storage.journal.complete_step(X, STEP_A, await held(storage), error="token_revoked: gone")
        assert (await loaded(storage)).steps[STEP_A] == Step(None, None, "token_revoked: gone")

    async def test_a_receipt_is_stored_completely(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        receipt = Receipt(C, "17.5", in_doubt=True)
        await storage.journal.complete_step(X, STEP_A, await held(storage), result=receipt)
        assert (await loaded(storage)).steps[STEP_A].result == receipt

    async def test_the_result_of_a_step_may_be_any_object(self, restart: Restart) -> None:
        result = PREPARED | {"size": 5, "parts": [{"ok": True}, None], "type": "Receipt"}
        async with (storage := restart()).open():
            await storage.journal.record(action(), lane=LANE_A)
            await storage.journal.begin_step(X, STEP_A, await held(storage))
            for _ in range(2):
                await storage.journal.complete_step(X, STEP_A, await held(storage), result=result)
        async with (storage := restart()).open():
            assert (await loaded(storage)).steps[STEP_A].result == result
            with pytest.raises(ValueError, match="settled otherwise"):
                await storage.journal.complete_step(X, STEP_A, await held(storage), result=result | {"size": 6})

    async def test_a_step_neither_planned_nor_begun_cannot_be_completed(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        with pytest.raises(ValueError, match="neither planned nor begun"):
            await storage.journal.complete_step(X, STEP_B, await held(storage), error="no")
        assert list((await loaded(storage)).steps) == [STEP_A]

    async def test_a_step_cannot_be_completed_without_a_result(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        with pytest.raises(ValueError, match="a result or an error"):
            await storage.journal.complete_step(X, STEP_A, await held(storage))

    async def test_a_step_may_be_completed_twice_with_the_same_result(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        for _ in range(2):
            await storage.journal.complete_step(X, STEP_A, await held(storage), result=RECEIPT)
        assert (await loaded(storage)).steps[STEP_A] == Step(NOW, RECEIPT)

    async def test_a_complete_step_can_neither_begin_nor_get_another_result(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        await storage.journal.complete_step(X, STEP_A, await held(storage), result=RECEIPT)
        before = await loaded(storage)
        with pytest.raises(ValueError, match="settled"):
            await at(storage, NOW).journal.begin_step(X, STEP_A, await held(storage))
        with pytest.raises(ValueError, match="settled"):
            await storage.journal.complete_step(X, STEP_A, await held(storage), error="no")
        assert await loaded(storage) == before

    @pytest.mark.parametrize("state", [ActionState.TAKEN, ActionState.EXECUTING])
    async def test_an_action_is_completed_with_or_without_steps(self, storage: Storage, state: ActionState) -> None:
        await advance_to(storage, state)
        before = await loaded(storage)
        assert await at(storage, after(3)).journal.set_outcome(X, SENT) == after(3)
        assert await loaded(storage) == replace(
            before, state=ActionState.COMPLETED, outcome=SENT, completed_at=after(3)
        )

    async def test_a_reported_action_keeps_its_steps_and_outcome(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        await storage.journal.complete_step(X, STEP_A, await held(storage), result=RECEIPT)
        await at(storage, after(3)).journal.set_outcome(X, SENT)
        before = await loaded(storage)
        await storage.journal.mark_reported(X)
        assert await loaded(storage) == replace(before, state=ActionState.REPORTED)

    async def test_a_dead_lettered_action_keeps_its_outcome_and_the_reason(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.DEAD_LETTERED)
        entry = await loaded(storage)
        assert (entry.state, entry.outcome) == (ActionState.DEAD_LETTERED, SENT)
        assert entry.dead_letter_reason == "the engine said 500"

    @pytest.mark.parametrize(("state", "transition"), FORBIDDEN, ids=lambda value: getattr(value, "value", value))
    async def test_a_forbidden_transition_is_refused_and_changes_nothing(
        self, storage: Storage, state: ActionState, transition: str
    ) -> None:
        await advance_to(storage, state)
        before = await loaded(storage)
        with pytest.raises(ValueError, match=f"action x can't be .*: it is {state.value}"):
            await TRANSITIONS[transition](storage)
        assert await loaded(storage) == before

    @pytest.mark.parametrize("transition", TRANSITIONS)
    async def test_every_transition_of_an_unknown_action_is_refused(self, storage: Storage, transition: str) -> None:
        with pytest.raises(ValueError, match="not known"):
            await TRANSITIONS[transition](storage)
        assert await storage.journal.load(X) is None

    @property_settings
    @given(command=strategies.commands)
    async def test_every_command_is_read_back_unchanged(self, storage: Storage, command: Command) -> None:
        taken = Action(ActionId(f"action {next(_numbers)}"), command)
        await at(storage, NOW).journal.record(taken, lane=LANE_A)
        assert (await loaded(storage, taken.id)).action == taken

    @property_settings
    @given(outcome=strategies.outcomes)
    async def test_every_outcome_is_read_back_unchanged(self, storage: Storage, outcome: Outcome) -> None:
        action_id = ActionId(f"action {next(_numbers)}")
        await at(storage, NOW).journal.record(action(action_id), lane=LANE_A)
        await at(storage, NOW).journal.set_outcome(action_id, outcome)
        assert (await loaded(storage, action_id)).outcome == outcome

    async def test_actions_held_by_this_process_are_no_orphans(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        assert await storage.journal.claim_orphans(10) == []

    async def test_unfinished_actions_are_claimed_as_orphans_after_a_restart_oldest_first(
        self, restart: Restart
    ) -> None:
        async with (storage := restart()).open():
            await at(storage, after(0)).journal.record(action(X), lane=LANE_A)
            CLOCK.step(-3600)
            await at(storage, after(1)).journal.record(action(Y), lane=LANE_A)
            CLOCK.step(3600)
            await at(storage, after(2)).journal.set_outcome(X, SENT)
            for name, state in (("f", ActionState.REPORTED), ("s", ActionState.DEAD_LETTERED)):
                await advance_to(storage, state, ActionId(name))
        async with (storage := restart()).open():
            adopted = await storage.journal.claim_orphans(10)
            assert [entry.action.id for entry in adopted] == [X, Y]
            assert adopted[0] == JournalEntry(action(X), NOW, ActionState.COMPLETED, {}, SENT, after(2))
            assert await storage.journal.claim_orphans(10) == []

    async def test_no_more_orphans_are_claimed_than_requested(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            for n in range(5):
                await at(storage, after(n)).journal.record(action(ActionId(str(n))), lane=LANE_A)
        async with (storage := restart()).open():
            rounds = [await storage.journal.claim_orphans(2) for _ in range(4)]
            ids = [[entry.action.id for entry in entries] for entries in rounds]
            assert ids == [["0", "1"], ["2", "3"], ["4"], []]

    async def test_steps_and_outcomes_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.record(action(), lane=LANE_A)
            await storage.journal.plan_steps(X, [STEP_C, STEP_A, STEP_B])
            await at(storage, after(1)).journal.begin_step(X, STEP_A, await held(storage))
            await at(storage, after(2)).journal.begin_step(X, STEP_C, await held(storage))
            await storage.journal.complete_step(X, STEP_C, await held(storage), result=RECEIPT)
            before = await loaded(storage)
        async with (storage := restart()).open():
            assert await storage.journal.claim_orphans(1) == [before]
            assert list(before.steps.items()) == [
                (STEP_C, Step(after(2), RECEIPT)),
                (STEP_A, Step(after(1))),
                (STEP_B, Step()),
            ]

    async def test_capabilities_are_kept_until_the_outcome_is_reported(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await answer(storage, UPLOAD)
        async with (storage := restart()).open():
            entry = await loaded(storage)
            assert entry.outcome == UPLOADED
            assert entry.steps[STEP_A].result == PREPARED

    @pytest.mark.parametrize("way", ["reported", "discarded"])
    async def test_capabilities_are_forgotten_once_the_action_is_done(self, restart: Restart, way: str) -> None:
        async with (storage := restart()).open():
            await answer(storage, UPLOAD)
            if way == "reported":
                await storage.journal.mark_reported(X)
            else:
                await storage.journal.dead_letter(X, "no")
                assert await storage.journal.discard(X)
        async with (storage := restart()).open():
            entry = await loaded(storage)
            assert "secret" not in str(entry)
            assert isinstance(entry.action.command, ChatCommand)
            assert entry.action.command.input["title"] == "Report"
            assert entry.steps[STEP_A].result != {"fileId": "F1"}
            assert list(entry.steps) == [STEP_A]

    async def test_an_action_is_recognised_although_everything_secret_was_forgotten(self, storage: Storage) -> None:
        await answer(storage, UPLOAD)
        await storage.journal.mark_reported(X)
        known = await storage.journal.record(Action(X, UPLOAD), lane=LANE_A)
        assert known is not None
        assert known.state is ActionState.REPORTED

    @pytest.mark.parametrize("field", ["responseUrl", "content"])
    async def test_a_command_with_another_secret_is_another_action(self, storage: Storage, field: str) -> None:
        await answer(storage, UPLOAD)
        await storage.journal.mark_reported(X)
        other = ChatCommand(UPLOAD.name, UPLOAD.input | {field: "another secret"})
        assert await storage.journal.record(Action(X, other), lane=LANE_A) is None

    async def test_the_content_of_a_file_is_forgotten_once_the_action_is_answered(self, storage: Storage) -> None:
        await storage.journal.record(Action(X, UPLOAD), lane=LANE_A)
        await storage.journal.begin_step(X, STEP_A, await held(storage))
        assert (await loaded(storage)).action.command == UPLOAD
        await storage.journal.set_outcome(X, SENT)
        command = (await loaded(storage)).action.command
        assert isinstance(command, ChatCommand)
        assert "secret" not in str(command.input["content"])
        assert command.input["contentBase64"] == ""

    async def test_the_backlog_counts_unfinished_and_dead_lettered_actions(self, storage: Storage) -> None:
        assert await storage.journal.backlog() == Backlog(0, 0, None)
        for number, state in enumerate(ActionState):
            await advance_to(storage, state, ActionId(str(number)))
        assert await storage.journal.backlog() == Backlog(waiting=3, dead_lettered=1, oldest_at=NOW)

    async def test_unfinished_entries_are_listed_oldest_first(self, storage: Storage) -> None:
        for seconds, name in enumerate(("b", "a", "c")):
            await at(storage, after(seconds)).journal.record(action(ActionId(name)), lane=LANE_A)
            CLOCK.step(-3600)
        await advance_to(storage, ActionState.REPORTED, ActionId("f"))
        assert [entry.action.id async for entry in storage.journal.entries()] == ["b", "a", "c"]

    async def test_unfinished_entries_are_listed_completely_over_many_pages(self, storage: Storage) -> None:
        names = [ActionId(f"{n:03}") for n in range(350)]
        for name in names:
            await at(storage, NOW).journal.record(action(name), lane=LANE_A)
        assert [entry.action.id async for entry in storage.journal.entries()] == names

    async def test_dead_lettered_entries_are_listed_separately(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.COMPLETED, Y)
        await advance_to(storage, ActionState.DEAD_LETTERED)
        assert [entry.action.id async for entry in storage.journal.entries(dead_lettered=True)] == [X]

    async def test_a_requeued_action_is_completed_and_can_be_claimed_as_an_orphan(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.DEAD_LETTERED)
        assert await storage.journal.requeue(X)
        [entry] = await storage.journal.claim_orphans(10)
        assert (entry.state, entry.outcome, entry.dead_letter_reason) == (ActionState.COMPLETED, SENT, "")
        await storage.journal.mark_reported(X)

    @pytest.mark.parametrize("state", [state for state in ActionState if state is not ActionState.DEAD_LETTERED])
    async def test_only_a_dead_lettered_action_can_be_requeued(self, storage: Storage, state: ActionState) -> None:
        await advance_to(storage, state)
        assert not await storage.journal.requeue(X)
        assert not await storage.journal.requeue(Y)
        assert (await loaded(storage)).state is state

    async def test_a_dead_lettered_action_can_be_discarded_and_stays_known(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.DEAD_LETTERED)
        assert await storage.journal.discard(X)
        known = await at(storage, NOW).journal.record(action(), lane=LANE_A)
        assert known is not None
        assert (known.state, known.dead_letter_reason) == (ActionState.REPORTED, "")
        assert await storage.journal.backlog() == Backlog()

    async def test_an_action_held_by_a_process_cannot_be_discarded(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        assert not await storage.journal.discard(X)
        assert (await loaded(storage)).state is ActionState.EXECUTING

    async def test_an_orphaned_action_can_be_discarded(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.record(action(), lane=LANE_A)
        async with (storage := restart()).open():
            assert await storage.journal.discard(X)
            assert await storage.journal.claim_orphans(10) == []

    async def test_a_reported_or_unknown_action_cannot_be_discarded(self, storage: Storage) -> None:
        await advance_to(storage, ActionState.REPORTED)
        assert not await storage.journal.discard(X)
        assert not await storage.journal.discard(Y)

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_makes_no_action_older_or_younger(self, storage: Storage, step: float) -> None:
        await advance_to(storage, ActionState.REPORTED, X)
        await advance_to(storage, ActionState.TAKEN, Y)
        CLOCK.step(step)
        assert await at(storage, after(3599)).journal.purge(timedelta(hours=1)) == 0
        assert (await storage.journal.backlog()).oldest_waited_seconds == 3599
        assert await at(storage, after(3601)).journal.purge(timedelta(hours=1)) == 1

    async def test_only_actions_reported_longer_ago_are_purged(self, storage: Storage) -> None:
        for state in ActionState:
            await advance_to(storage, state, ActionId(state.value))
        assert await at(storage, NOW).journal.purge(timedelta()) == 0
        assert await at(storage, after(1)).journal.purge(timedelta()) == 1
        assert await storage.journal.load(ActionId("finished")) is None
        assert await storage.journal.backlog() == Backlog(3, 1, NOW, oldest_waited_seconds=1)

    async def test_a_purged_action_is_new_again_without_its_steps(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.plan_steps(X, [STEP_A, STEP_B])
        await at(storage, NOW).journal.set_outcome(X, SENT)
        await storage.journal.mark_reported(X)
        await at(storage, after(1)).journal.purge(timedelta())
        assert await at(storage, after(2)).journal.record(action(), lane=LANE_A) is None
        assert await loaded(storage) == JournalEntry(action(), after(2))
