"""The tracing of the ports, if the environment configures it."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union

from application.ports.clock import Clock
from application.ports.storage import Storage
from entrypoints.config.settings import Settings
from entrypoints.version import VERSION

if TYPE_CHECKING:
    from adapters.opentelemetry.tracing import Tracing

P = TypeVar("P")

AnyTracing: TypeAlias = Union["Tracing", "NoTracing"]


class NoTracing:
    """Traces nothing, and costs nothing: each method returns its argument."""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Like Tracing."""
        return nullcontext()

    def slack_client(self, client: P) -> P:
        """Like Tracing."""
        return client

    def workflow(self, workflow: P) -> P:
        """Like Tracing."""
        return workflow

    def storage(self, storage: Storage) -> Storage:
        """Like Tracing."""
        return storage

    def enricher(self, enricher: P) -> P:
        """Like Tracing."""
        return enricher

    def dispatcher(self, dispatcher: P) -> P:
        """Like Tracing."""
        return dispatcher

    def reporter(self, reporter: P) -> P:
        """Like Tracing."""
        return reporter


def new_tracing(settings: Settings, clock: Clock) -> AnyTracing:
    """Returns the tracing that the settings ask for; without any, nothing of OpenTelemetry is imported."""
    if not settings.trace_exporters:
        return NoTracing()
    from adapters.opentelemetry.exporting import new_processors  # noqa: PLC0415 - its libraries take 200 ms
    from adapters.opentelemetry.tracing import Tracing  # noqa: PLC0415 - likewise

    processors = new_processors(settings.trace_exporters)
    return Tracing(processors, clock, VERSION, in_payload=settings.trace_payload)
