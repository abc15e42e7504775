"""Finds actions that were given out and never recorded: a crash or a broken connection swallowed them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import structlog

from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.specs import Repeat
from application.log_context import fields_of
from application.loop_time import loop_time
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.services.message_sender import post_step
from application.use_cases.chat_use_case import EXECUTION
from domain.actions import Action, ActionId, Step, StepName
from domain.commands import ChatCommand, SendMessage, SendRichMessage, command_name
from domain.errors import WorkflowError

log = structlog.get_logger()

_POST_SEARCH_WINDOW = timedelta(hours=1)
"""How far back to search for the post of such an action."""
_INTERVAL_SECONDS = 10.0
"""The pause between queries for open actions, which are expensive."""


class SwallowedActions:
    """Compares what the engine considers taken with the journal, once there is a reason to."""

    def __init__(self, workflow: Workflow, chat: Chat, storage: Storage) -> None:
        self._workflow = workflow
        self._chat = chat
        self._journal = storage.journal
        self._since: datetime | None = None
        """Since when, by the engine's time, an action may have been swallowed."""
        self._next_query_at = 0.0
        self._suspects: frozenset[ActionId] | None = None
        """The actions that the engine records as waiting, if these are to be looked at once more."""
        self._none_waits = False
        """Whether a poll has found nothing since these were looked at."""

    @property
    def are_suspected(self) -> bool:
        """Whether an action may have been swallowed that was not looked for since."""
        return self._since is not None

    def suspect(self, since: datetime, *, look_at_once: bool = False) -> None:
        """An action may have been swallowed since this time, by the engine's clock."""
        self._since = min(since, self._since or since)
        self._suspects = None
        if look_at_once:
            self._next_query_at = 0.0

    def on_none_waits(self) -> None:
        """A poll has found nothing."""
        self._none_waits = True

    async def find_if_due(self, in_progress: Collection[ActionId]) -> list[tuple[Action, Mapping[StepName, Step]]]:
        """Returns actions to be recorded, with the steps that may have begun. Raises ShutdownRequested.

        Those `in_progress` here are left out: many may wait to be recorded. One that another process is just recording
        may be among them; recording it twice is safe.
        """
        now = loop_time()
        if self._since is None or now < self._next_query_at or (self._suspects and not self._none_waits):
            return []
        self._next_query_at = now + _INTERVAL_SECONDS
        since = self._since
        try:
            actions = await self._find(since, in_progress)
        except WorkflowError as error:
            log.warning("actions_in_hand_unknown", reason=str(error))
            return []
        if self._suspects is None and self._since == since:
            self._since = None  # not earlier: a shutdown on the way leaves the doubt to the next start
        return [(action, self._assumed_steps(action)) for action in actions]

    async def _find(self, since: datetime, in_progress: Collection[ActionId]) -> list[Action]:
        """Returns what the journal does not have; `_suspects` stays None once that is certainly all.

        The engine may record an action as waiting although it was taken. One that is so recorded now and some seconds
        later, while polls found nothing in between, is not waiting. Raises WorkflowError.
        """
        found = await self._workflow.open_actions(since)
        waiting = {action.id: action for action in found.waiting}
        suspects, self._suspects, self._none_waits = self._suspects, None, False
        actions = []
        for action in [*found.taken, *(waiting[action_id] for action_id in suspects or () if action_id in waiting)]:
            if action.id not in in_progress and await self._journal.load(action.id) is None:
                command = command_name(action.command)
                log.warning("swallowed_action_recovered", **fields_of(action), command=command)
                actions.append(action)
        if suspects is None and waiting:
            self._suspects = frozenset(waiting)
        return actions

    def _assumed_steps(self, action: Action) -> Mapping[StepName, Step]:
        """Assumes that the request has begun: a replica with a storage of its own may be executing the action."""
        step = Step(self._chat.now() - _POST_SEARCH_WINDOW)
        match action.command:
            case SendMessage(message) | SendRichMessage(message):
                return {post_step(message.channel_id): step}
            case ChatCommand(name) if COMMANDS_BY_NAME[name].in_doubt != Repeat():
                return {EXECUTION: step}
            case _:
                return {}
