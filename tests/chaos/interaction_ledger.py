"""The ledger of the variant `interactions`."""

from collections import Counter
from collections.abc import Collection

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.slack.server import SlackServer
from tests.chaos.interaction_load import GivenReaction, InteractionLoad
from tests.chaos.ledger import Auditor, Ledger, Result
from tests.chaos.load import QueuedAction


class InteractionAuditor(Auditor):
    """Also accounts for interactions, reactions, and the commands that change what is there."""

    def __init__(
        self, load: InteractionLoad, slack: SlackServer, flyte: FlyteServer, frozen: Collection[tuple[str, str]] = ()
    ) -> None:
        super().__init__(load, slack, flyte, frozen)
        self._interaction_load = load
        payloads = [(event.name, event.payload) for event in flyte.events if isinstance(event.payload, dict)]
        self._triggers = Counter(payload["triggerId"] for _, payload in payloads if "triggerId" in payload)
        self._reactions = Counter(payload["reaction"] for name, payload in payloads if name == "ReactionAdded")
        self._scheduled = Counter(text.split()[-1] for text in load.scheduled_texts())

    def ledger(self) -> Ledger:
        """Returns the complete ledger."""
        ledger = super().ledger()
        load = self._interaction_load
        for interaction in load.interactions:
            ledger.record(interaction.kind, self._check_interaction(interaction), interaction.interaction_id)
        for reaction in load.reactions.values():
            ledger.record("reactions", self._check_reaction(reaction), reaction.name)
        for (channel, key), actions in load.keyed.items():
            ledger.record("messages with a key", self._check_key(channel, key, actions), f"{channel} {key}")
        for (channel, ts), actions in load.updates.items():
            ledger.record("updated messages", self._check_update(channel, ts, actions), f"{channel} {ts}")
        return ledger

    def is_complete(self) -> bool:
        """Whether everything has reached Flyte that has to, and every action has its result."""
        load = self._interaction_load
        return (
            load.is_settled()
            and super().is_complete()
            and all(
                self._triggers[one.payload["trigger_id"]]
                for one in load.interactions
                if one.state is InteractionState.ACKNOWLEDGED
            )
            and all(self._reactions[one.name] or one.was_given_up for one in load.reactions.values())
        )

    def _check_interaction(self, interaction: Interaction) -> Result:
        count = self._triggers[interaction.payload["trigger_id"]]
        if count > 1:
            return Result.TWICE
        if interaction.state is InteractionState.ACKNOWLEDGED:
            return Result.ONCE if count else Result.LOST
        return Result.LATE if count else Result.NOT_DUE

    def _check_reaction(self, reaction: GivenReaction) -> Result:
        count = self._reactions[reaction.name]
        if count > 1:
            return Result.TWICE
        if count:
            return Result.ONCE
        return Result.IN_GAP if reaction.was_given_up else Result.LOST

    def _check_key(self, channel: str, key: str, actions: list[QueuedAction]) -> Result:
        """One key never has two messages. An action that a crash swallowed is executed later than those after it."""
        texts = [
            message.fields["text"]
            for message in self._slack.workspace.channel(channel).messages.values()
            if str(message.fields.get("text", "")).startswith(f"keyed {key} ")
        ]
        if len(texts) > 1:
            return Result.TWICE
        if not texts:
            return Result.LOST
        return _judge(texts[0], actions)

    def _check_update(self, channel: str, ts: str, actions: list[QueuedAction]) -> Result:
        return _judge(str(self._slack.workspace.channel(channel).messages[ts].fields["text"]), actions)

    def _check_action(self, action: QueuedAction) -> Result:
        result = self._flyte.results.get(action.action_id)
        if result is None:
            return Result.LOST
        match action.command:
            case "UpdateMessage" | "AddReaction":
                return Result.ONCE if result.name in ("MessageUpdated", "ReactionSent") else Result.WRONG
            case "ScheduleMessage":
                if self._scheduled[action.marker] > 1:
                    return Result.TWICE
                return (
                    Result.ONCE if self._scheduled[action.marker] and result.name == "MessageScheduled" else Result.LOST
                )
            case "SendMessage" if isinstance(result.payload, dict) and "messageKey" in result.payload:
                return Result.ONCE if result.name == "MessageSent" else Result.WRONG
            case _:
                return super()._check_action(action)


def _judge(text: str, actions: list[QueuedAction]) -> Result:
    return Result.ONCE if text.rsplit(maxsplit=1)[-1] in {action.marker for action in actions} else Result.WRONG
