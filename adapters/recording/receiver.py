"""A receiver whose arrivals are recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.recording.entries import Heard, Membership
from adapters.recording.recorder import Record
from application.ports.receiver import Arrival, MembershipGained, MembershipLost, Receiver
from domain.messages import Said


class RecordedReceiver:
    """A Receiver, and a record of what it hears. What is delivered twice stands there twice."""

    def __init__(self, receiver: Receiver, record: Record) -> None:
        self._receiver = receiver
        self._record = record

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[AsyncIterator[Arrival]]:
        async with self._receiver.listen() as arrivals:
            yield _Recorded(arrivals, self._record)


class _Recorded:
    """The arrivals. Not a generator, which would have to be closed."""

    def __init__(self, arrivals: AsyncIterator[Arrival], record: Record) -> None:
        self._arrivals = arrivals
        self._record = record

    def __aiter__(self) -> AsyncIterator[Arrival]:
        return self

    async def __anext__(self) -> Arrival:
        arrival = await anext(self._arrivals)
        self._note(arrival)
        return arrival

    def _note(self, arrival: Arrival) -> None:
        match arrival.event:
            case Said() as said:
                self._record.note(_heard(arrival, said))
            case MembershipGained(channel_id) | MembershipLost(channel_id) as change:
                is_member = isinstance(change, MembershipGained)
                self._record.note(Membership(at=arrival.received_at, channel_id=channel_id, is_member=is_member))
            case _:
                pass


def _heard(arrival: Arrival, said: Said) -> Heard:
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
