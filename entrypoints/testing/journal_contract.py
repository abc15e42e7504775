"""The contract of the actions in a storage."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given

from application.ports.storage import Storage
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step
from domain.commands import Broadcast, ChatCommand, Command, JoinChannel
from domain.events import CommandOutcome, Outcome
from domain.json_values import JsonObject
from domain.outbox import Backlog
from entrypoints.testing import strategies
from entrypoints.testing.action_states import FORBIDDEN, SENT, TRANSITIONS, advance_to, loaded
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
    X,
    Y,
    action,
    after,
    at,
    held,
)

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
"""Its input is only partly that of the command, whose row is needed because it names a content."""
UPLOADED = CommandOutcome(
    "FileUploaded", {"title": "Report", "size": 15, "responseUrl": "https://hooks.example/secret"}
)

PREPARED: JsonObject = {"fileId": "F1", "uploadUrl": "https://files.example/secret-upload"}

_numbers = count()


async def answer(storage: Storage, command: Command) -> None:
    """Records an action with a step, and its outcome."""
    await storage.journal.record(Action(X, command), lane=LANE_A)
    await storage.journal.begin_step(X, STEP_A, await held(storage))
    await storage.journal.complete_step(X, STEP_A, await held(storage), result=PREPARED)
    await storage.journal.set_outcome(X, UPLOADED)


class JournalContract(StorageSuite):
    async def test_an_action_that_was_given_back_has_no_owner(self, storage: Storage) -> None:
        await at(storage, NOW).journal.record(action(), lane=LANE_A)
        await storage.journal.give_back(X)
        assert await storage.journal.discard(X)

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
