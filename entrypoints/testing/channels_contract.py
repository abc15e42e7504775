"""The contract of the channels part of a storage."""

from datetime import UTC, datetime, timedelta

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.messages import IncomingMessage
from domain.outbox import outbox_entry
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import NOW, A, B, C, after, at, new_entry

SAID_AT_7 = datetime.fromtimestamp(1_700_000_000, UTC) + timedelta(microseconds=7)


class ChannelsContract(StorageSuite):
    async def test_no_channel_is_joined_at_first(self, storage: Storage) -> None:
        assert (await storage.channels.joined()).ids == ()

    async def test_joined_channels_are_in_the_order_of_joining(self, storage: Storage) -> None:
        for channel_id in (B, A, C):
            await storage.channels.join(channel_id, since=NOW)
        assert (await storage.channels.joined()).ids == (B, A, C)

    async def test_joining_twice_changes_neither_position_nor_time(self, storage: Storage) -> None:
        for channel_id in (A, B):
            await storage.channels.join(channel_id, since=NOW)
        await storage.channels.join(A, since=after(60))
        assert (await storage.channels.joined()).ids == (A, B)
        assert await storage.channels.last_message_at(A) == NOW

    async def test_a_channel_that_was_left_is_not_joined(self, storage: Storage) -> None:
        for channel_id in (A, B):
            await storage.channels.join(channel_id, since=NOW)
        await storage.channels.leave(A)
        assert (await storage.channels.joined()).ids == (B,)

    async def test_leaving_a_channel_that_is_not_joined_has_no_effect(self, storage: Storage) -> None:
        await storage.channels.join(A, since=NOW)
        await storage.channels.leave(B)
        assert (await storage.channels.joined()).ids == (A,)

    async def test_joined_channels_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.channels.join(B, since=NOW)
            await storage.channels.join(A, since=after(1))
        async with (storage := restart()).open():
            assert (await storage.channels.joined()).ids == (B, A)
            assert await storage.channels.last_message_at(A) == after(1)

    async def test_unjoined_memberships_are_unknown_at_first(self, storage: Storage) -> None:
        assert await storage.channels.unjoined_memberships() is None

    async def test_an_empty_set_of_unjoined_memberships_is_not_unknown(self, storage: Storage) -> None:
        await storage.channels.set_unjoined_memberships(frozenset())
        assert await storage.channels.unjoined_memberships() == frozenset()

    async def test_unjoined_memberships_are_the_last_ones_set_and_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.channels.set_unjoined_memberships(frozenset({A}))
            await storage.channels.set_unjoined_memberships(frozenset({B, C}))
        async with (storage := restart()).open():
            assert await storage.channels.unjoined_memberships() == frozenset({B, C})

    async def test_an_unknown_channel_has_no_last_message_time(self, storage: Storage) -> None:
        assert await storage.channels.last_message_at(A) is None

    async def test_without_messages_the_last_message_time_is_the_time_of_joining(self, storage: Storage) -> None:
        await storage.channels.join(A, since=NOW)
        assert await storage.channels.last_message_at(A) == NOW

    async def test_the_last_message_time_is_that_of_the_last_message(self, storage: Storage) -> None:
        for channel_id in (A, B):
            await storage.outbox.append([new_entry(channel_id, 7), new_entry(channel_id, 5)])
        for channel_id in (A, B):
            heard_until = await storage.channels.last_message_at(channel_id)
            assert heard_until is not None
            assert heard_until.timestamp() == 1700000000.000007

    async def test_a_join_after_the_last_message_counts(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 7)])
        await storage.channels.join(A, since=NOW)
        assert await storage.channels.last_message_at(A) == NOW

    async def test_the_overlap_is_subtracted_but_never_goes_back_before_the_join(self, storage: Storage) -> None:
        minute = timedelta(minutes=1)
        await storage.outbox.append([new_entry(A, 7)])
        assert await storage.channels.last_message_at(A, overlap=minute) == SAID_AT_7 - minute
        await storage.channels.join(A, since=SAID_AT_7 - minute / 2)
        assert await storage.channels.last_message_at(A, overlap=minute) == SAID_AT_7 - minute / 2

    async def test_the_last_message_time_survives_purging_the_message(self, storage: Storage) -> None:
        await storage.outbox.append([new_entry(A, 7)])
        [claim] = await at(storage, NOW).outbox.claim(1, 1, 60)
        await storage.outbox.ack(claim, claim.entries[0])
        await at(storage, after(3600)).outbox.purge(timedelta())
        assert await storage.channels.last_message_at(A) is not None

    async def test_a_channel_that_is_joined_again_has_the_later_time(self, storage: Storage) -> None:
        await storage.channels.join(A, since=NOW)
        await storage.channels.leave(A)
        await storage.channels.join(A, since=after(60))
        assert await storage.channels.last_message_at(A) == after(60)

    async def test_the_beginning_of_listening_is_recorded_once_and_survives_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.channels.join(A, since=NOW)
            await storage.channels.note_listening([A, B], after(60))
            await storage.channels.note_listening([B], after(120))
        async with (storage := restart()).open():
            assert await storage.channels.last_message_at(A) == NOW
            assert await storage.channels.last_message_at(B) == after(60)
            assert (await storage.channels.joined()).ids == (A,)

    async def test_channels_that_were_joined_are_known_after_they_were_left(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.channels.join(A, since=NOW)
            await storage.channels.leave(A)
        async with (storage := restart()).open():
            assert await storage.channels.was_joined(A)
            assert not await storage.channels.was_joined(B)

    async def test_a_timestamp_that_is_not_a_time_is_ignored(self, storage: Storage) -> None:
        await storage.outbox.append([outbox_entry(IncomingMessage(A, "soon", "hello"), NOW)])
        assert await storage.channels.last_message_at(A) is None

    async def test_joined_channels_may_have_any_name(self, storage: Storage) -> None:
        odd = ChannelId("d\u00e4 \U0001f600\"'\\\n[]")
        await storage.channels.join(odd, since=NOW)
        assert odd in await storage.channels.joined()

    async def test_active_channels_are_those_with_recent_messages_and_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 5), new_entry(A, 7), new_entry(B, 6)])
            await storage.channels.join(C, since=NOW)
        async with (storage := restart()).open():
            moment = timedelta(microseconds=1)
            assert await storage.channels.active_since(SAID_AT_7) == {A}
            assert await storage.channels.active_since(SAID_AT_7 - moment) == {A, B}
            assert await storage.channels.active_since(SAID_AT_7 + moment) == frozenset()
