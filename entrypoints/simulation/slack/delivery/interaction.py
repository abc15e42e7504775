"""Interactions of people with the app: each is delivered once, and fails for good if it is not acknowledged in time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from entrypoints.simulation.slack.event_log import InteractionEnded, InteractionSent, SlackLog
from entrypoints.simulation.slack.models import JsonObject

MAX_INTERACTIONS: Final = 10_000
"""That are remembered."""


class InteractionState(Enum):
    """How far an interaction has come."""

    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    """The person has seen an error."""


@dataclass(slots=True, eq=False)
class Interaction:
    """A click, a slash command, a shortcut, a submitted or a closed view."""

    interaction_id: str
    envelope_type: str
    """`interactive` or `slash_commands`."""
    payload: JsonObject
    on_done: Callable[["Interaction"], None]
    state: InteractionState = InteractionState.SENT
    failure: str = ""
    response: JsonObject | str | None = None
    """The content of the app's acknowledgement."""

    @property
    def kind(self) -> str:
        """Its `type`; `slash_commands` have none."""
        return str(self.payload.get("type", self.envelope_type))

    def acknowledge(self, response: JsonObject | str | None) -> None:
        """The app has taken it."""
        self._end(InteractionState.ACKNOWLEDGED, response=response)

    def fail(self, reason: str) -> None:
        """The app has not taken it in time."""
        self._end(InteractionState.FAILED, failure=reason)

    def _end(self, state: InteractionState, *, failure: str = "", response: JsonObject | str | None = None) -> None:
        if self.state is InteractionState.SENT:
            self.state, self.failure, self.response = state, failure, response
            self.on_done(self)


@dataclass(slots=True)
class Interactions:
    """All interactions, oldest first."""

    log: SlackLog
    by_id: dict[str, Interaction] = field(default_factory=dict)

    def begin(
        self, interaction_id: str, envelope_type: str, payload: JsonObject, on_done: Callable[[Interaction], None]
    ) -> Interaction:
        """Returns a new interaction, for a transport to deliver; calls `on_done` when it has ended."""

        def end(interaction: Interaction) -> None:
            on_done(interaction)
            self._on_done(interaction)

        interaction = Interaction(interaction_id, envelope_type, payload, end)
        self.by_id[interaction_id] = interaction
        if len(self.by_id) > MAX_INTERACTIONS:
            del self.by_id[next(iter(self.by_id))]
        self.log.count("interactions")
        self.log.publish(InteractionSent(interaction_id, interaction.kind))
        return interaction

    def _on_done(self, interaction: Interaction) -> None:
        self.log.count(f"interactions_{interaction.state.value}")
        self.log.publish(InteractionEnded(interaction.interaction_id, interaction.kind, interaction.failure))
