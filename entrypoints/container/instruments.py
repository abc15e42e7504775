"""The instruments that watch the ports, if the operator wants metrics."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union

from adapters.no_telemetry import NO_TELEMETRY
from adapters.slack.errors import AUTHENTICATION_CODES, KNOWN_CODES
from adapters.slack.methods import METHODS
from application.ports.clock import Clock
from application.ports.receiver import Receiver
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from entrypoints.config.settings import Settings
from entrypoints.version import VERSION

if TYPE_CHECKING:
    from adapters.prometheus.instruments import Instruments

C = TypeVar("C")

AnyInstruments: TypeAlias = Union["Instruments", "NoInstruments"]


class NoInstruments:
    """Watches nothing, and costs nothing: each method returns its argument."""

    render = None
    telemetry = NO_TELEMETRY

    def prepared(self) -> AbstractAsyncContextManager[None]:
        """Like Instruments."""
        return nullcontext()

    def slack_client(self, client: C) -> C:
        """Like Instruments."""
        return client

    def flyte_client(self, client: C, _call: str) -> C:
        """Like Instruments."""
        return client

    def workflow(self, workflow: Workflow) -> Workflow:
        """Like Instruments."""
        return workflow

    def receiver(self, receiver: Receiver) -> Receiver:
        """Like Instruments."""
        return receiver

    def storage(self, storage: Storage) -> Storage:
        """Like Instruments."""
        return storage


def new_instruments(settings: Settings, clock: Clock) -> AnyInstruments:
    """Returns the instruments that the settings ask for."""
    if not settings.shows_metrics:
        return NoInstruments()
    from adapters.prometheus.instruments import Instruments  # noqa: PLC0415 - its library is needed for metrics only

    return Instruments(
        VERSION,
        clock,
        slack_methods=(*METHODS, *(method for method in settings.allowed_methods if "*" not in method)),
        slack_codes=KNOWN_CODES,
        slack_refusals=AUTHENTICATION_CODES,
    )
