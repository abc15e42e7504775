"""A workflow engine whose actions and events are recorded."""

from collections.abc import Sequence
from datetime import datetime

from adapters.recording.entries import Answered, Published, Registered, Taken
from adapters.recording.recorder import Record
from adapters.serialization.payloads import command_input, event_payload
from application.ports.workflow import PackDefinition, Workflow
from domain.actions import Action, ActionId
from domain.commands import command_name
from domain.errors import WorkflowError
from domain.events import Outcome, ReceivedMessage, event_name
from domain.messages import IncomingMessage


class RecordedWorkflow:
    """A Workflow, and a record of what went to it and came from it."""

    def __init__(self, workflow: Workflow, record: Record) -> None:
        self._workflow = workflow
        self._record = record

    async def register(self, offer: PackDefinition) -> None:
        await self._workflow.register(offer)
        self._record.note(Registered(at=self._record.now, pack=offer.name, labels=dict(offer.labels)))

    async def take(self) -> Action | None:
        action = await self._workflow.take()
        if action is not None:
            name, given = command_name(action.command), command_input(action.command)
            self._record.note(Taken(at=self._record.now, action=action.id, command=name, input=given))
        return action

    async def complete(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        try:
            await self._workflow.complete(action_id, outcome, at)
        except WorkflowError as error:
            self._note_answer(action_id, outcome, str(error))
            raise
        self._note_answer(action_id, outcome, "")

    async def publish(self, event: ReceivedMessage, at: datetime) -> None:
        try:
            await self._workflow.publish(event, at)
        except WorkflowError as error:
            self._note_event(event, str(error))
            raise
        self._note_event(event, "")

    async def is_completed(self, action_id: ActionId) -> bool | None:
        return await self._workflow.is_completed(action_id)

    async def were_published(self, messages: Sequence[tuple[IncomingMessage, datetime]]) -> list[bool]:
        return await self._workflow.were_published(messages)

    async def pending_actions(self, since: datetime) -> list[Action]:
        return await self._workflow.pending_actions(since)

    def _note_answer(self, action_id: ActionId, outcome: Outcome, error: str) -> None:
        name, payload = event_name(outcome), event_payload(outcome)
        self._record.note(Answered(at=self._record.now, action=action_id, event=name, payload=payload, error=error))

    def _note_event(self, event: ReceivedMessage, error: str) -> None:
        name, payload = event_name(event), event_payload(event)
        self._record.note(Published(at=self._record.now, event=name, payload=payload, error=error))
