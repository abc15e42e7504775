"""A receiver whose arrivals are recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.recording.entries import Heard, Membership
from adapters.recording.recorder import Record
from application.ports.receiver import IncomingEvent, MembershipGained, MembershipLost, Receiver
from domain.messages import IncomingMessage


class RecordedReceiver:
    """A Receiver, and a record of what it hears. What is delivered twice stands there twice."""

    def __init__(self, receiver: Receiver, record: Record) -> None:
        self._receiver = receiver
        self._record = record

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        async with self._receiver.events() as arrivals:
            yield _Recorded(arrivals, self._record)


class _Recorded:
    """The arrivals. Not a generator, which would have to be closed."""

    def __init__(self, arrivals: AsyncIterator[IncomingEvent], record: Record) -> None:
        self._arrivals = arrivals
        self._record = record

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        arrival = await anext(self._arrivals)
        self._note(arrival)
        return arrival

    def _note(self, arrival: IncomingEvent) -> None:
        match arrival.event:
            case IncomingMessage() as said:
                self._record.note(_heard(arrival, said))
            case MembershipGained(channel_id) | MembershipLost(channel_id) as change:
                is_member = isinstance(change, MembershipGained)
                self._record.note(Membership(at=arrival.received_at, channel_id=channel_id, is_member=is_member))
            case _:
                pass


def _heard(arrival: IncomingEvent, said: IncomingMessage) -> Heard:
    return Heard(
        at=arrival.received_at,
        channel_id=said.channel_id,
        timestamp=said.timestamp,
        text=said.text,
        user_id=said.user_id,
        bot_id=said.bot_id,
        thread_timestamp=said.thread_timestamp,
        is_direct=said.is_direct,
    )
