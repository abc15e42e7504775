"""The recording of what passes through the ports, if the operator wants one."""

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from application.ports.clock import Clock
from application.ports.receiver import Receiver
from application.resilience.interception import ObservedReceiver, intercepted
from entrypoints.config.settings import Settings
from entrypoints.observability.redaction import Redactor

if TYPE_CHECKING:
    from adapters.recording.recorder import Recorder

P = TypeVar("P")


class NoRecording:
    """Records nothing, and costs nothing: each method returns its argument."""

    @property
    def failure(self) -> str:
        """Why the recording is incomplete; empty if it is complete."""
        return ""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Like Recording."""
        return nullcontext()

    def port(self, port: P) -> P:
        """Like Recording."""
        return port

    def receiver(self, receiver: Receiver) -> Receiver:
        """Like Recording."""
        return receiver


class Recording(NoRecording):
    """Records the calls of ports in a file."""

    def __init__(self, recorder: "Recorder") -> None:
        from adapters.recording.policy import RecordingPolicy  # noqa: PLC0415 - needed for recordings only

        self._recorder = recorder
        self._policy = RecordingPolicy(recorder)

    @property
    def failure(self) -> str:
        """Like NoRecording."""
        return self._recorder.failure

    def open(self) -> AbstractAsyncContextManager[None]:
        """Opens the file, and closes it at the end. Raises StorageUnusable if it can't be opened."""
        return self._recorder.open()

    def port(self, port: P) -> P:
        """Returns the chat or the workflow port with the recording around it."""
        return intercepted(port, self._policy)

    def receiver(self, receiver: Receiver) -> Receiver:
        """Returns the receiver with the recording around it."""
        return ObservedReceiver(receiver, self._policy.record_event)


def new_recording(settings: Settings, clock: Clock) -> NoRecording:
    """Returns the recording that the settings ask for."""
    if not settings.record:
        return NoRecording()
    from adapters.recording.recorder import Recorder  # noqa: PLC0415 - needed for recordings only

    redactor = Redactor(secrets=settings.secret_texts, hides_emails=True)
    return Recording(Recorder(settings.record, redactor.redact, clock))
