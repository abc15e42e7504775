"""The contract of the steps of an action."""

from dataclasses import replace

import pytest

from application.ports.storage import Storage
from domain.actions import ActionState, JournalEntry, Step
from domain.json_values import JsonObject
from domain.messages import Receipt
from entrypoints.testing.action_states import advance_to, loaded
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import (
    LANE_A,
    NOW,
    RECEIPT,
    STEP_A,
    STEP_B,
    STEP_C,
    C,
    X,
    action,
    after,
    at,
    held,
)

_PREPARED: JsonObject = {"fileId": "F1", "uploadUrl": "https://files.example/upload"}


class StepsContract(StorageSuite):
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
        result = _PREPARED | {"size": 5, "parts": [{"ok": True}, None], "type": "Receipt"}
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
