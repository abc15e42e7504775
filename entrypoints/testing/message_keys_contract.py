"""The contract of the message keys part of a storage."""

from datetime import timedelta

import pytest

from application.ports.storage import Storage
from domain.message_keys import KeyedMessage
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import CLOCK, NOW, STEPS, A, B, after, at

DEPLOY, ALERT = "deploy 42", "Alarm: ü 🦀"
FIRST, SECOND = "1700000000.000100", "1700000000.000200"


class MessageKeysContract(StorageSuite):
    async def test_an_unknown_key_has_no_message(self, storage: Storage) -> None:
        assert await storage.message_keys.find(A, DEPLOY) is None

    async def test_a_bound_key_has_its_message_in_its_channel_only(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        assert await storage.message_keys.find(A, DEPLOY) == KeyedMessage(A, DEPLOY, FIRST)
        assert await storage.message_keys.find(B, DEPLOY) is None

    async def test_a_key_that_is_bound_again_belongs_to_the_later_message(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        await storage.message_keys.bind(A, DEPLOY, SECOND)
        assert await storage.message_keys.find(A, DEPLOY) == KeyedMessage(A, DEPLOY, SECOND)
        assert await storage.message_keys.keys_of([(A, FIRST), (A, SECOND)]) == ["", DEPLOY]

    async def test_a_reserved_key_has_no_message_yet(self, storage: Storage) -> None:
        reserved = KeyedMessage(A, DEPLOY, reserved_since=after(1))
        assert await storage.message_keys.reserve(A, DEPLOY, after(1)) == reserved
        assert await storage.message_keys.find(A, DEPLOY) == reserved
        assert await storage.message_keys.keys_of([(A, "")]) == [""]

    async def test_the_earliest_reservation_stays(self, storage: Storage) -> None:
        await storage.message_keys.reserve(A, DEPLOY, after(2))
        await storage.message_keys.reserve(A, DEPLOY, after(3))
        assert await storage.message_keys.reserve(A, DEPLOY, after(2.5)) == KeyedMessage(A, DEPLOY, "", after(2))
        assert await storage.message_keys.reserve(A, DEPLOY, after(1)) == KeyedMessage(A, DEPLOY, "", after(1))

    async def test_reserving_a_key_that_has_a_message_changes_nothing(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        assert await storage.message_keys.reserve(A, DEPLOY, after(1)) == KeyedMessage(A, DEPLOY, FIRST)

    async def test_binding_ends_a_reservation(self, storage: Storage) -> None:
        await storage.message_keys.reserve(A, DEPLOY, after(1))
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        assert await storage.message_keys.find(A, DEPLOY) == KeyedMessage(A, DEPLOY, FIRST)

    async def test_a_released_reservation_is_forgotten(self, storage: Storage) -> None:
        await storage.message_keys.reserve(A, DEPLOY, after(1))
        await storage.message_keys.release(A, DEPLOY)
        await storage.message_keys.release(A, DEPLOY)
        assert await storage.message_keys.find(A, DEPLOY) is None

    async def test_releasing_leaves_a_key_that_has_a_message(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        await storage.message_keys.release(A, DEPLOY)
        assert await storage.message_keys.find(A, DEPLOY) == KeyedMessage(A, DEPLOY, FIRST)

    async def test_a_deleted_message_frees_all_its_keys_and_no_other(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        await storage.message_keys.bind(A, ALERT, FIRST)
        await storage.message_keys.bind(A, "other", SECOND)
        await storage.message_keys.bind(B, DEPLOY, FIRST)
        await storage.message_keys.reserve(A, "reserved", after(1))
        await storage.message_keys.free(A, FIRST)
        await storage.message_keys.free(A, "")
        known = [await storage.message_keys.find(A, key) for key in (DEPLOY, ALERT, "other", "reserved")]
        assert [message is not None for message in known] == [False, False, True, True]
        assert await storage.message_keys.find(B, DEPLOY) is not None

    async def test_messages_are_found_by_channel_and_timestamp(self, storage: Storage) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        await storage.message_keys.bind(B, ALERT, SECOND)
        asked = [(B, SECOND), (A, SECOND), (A, FIRST), (A, FIRST)]
        assert await storage.message_keys.keys_of(asked) == [ALERT, "", DEPLOY, DEPLOY]
        assert await storage.message_keys.keys_of([]) == []

    async def test_of_several_keys_of_a_message_the_one_used_last_counts(self, storage: Storage) -> None:
        await at(storage, after(1)).message_keys.bind(A, DEPLOY, FIRST)
        await at(storage, after(2)).message_keys.bind(A, ALERT, FIRST)
        assert await storage.message_keys.keys_of([(A, FIRST)]) == [ALERT]
        await at(storage, after(3)).message_keys.touch(A, DEPLOY)
        assert await storage.message_keys.keys_of([(A, FIRST)]) == [DEPLOY]

    async def test_keys_that_were_used_last_longer_ago_are_purged(self, storage: Storage) -> None:
        for key in ("old", "touched", "reserved again"):
            await storage.message_keys.bind(A, key, FIRST)
        await storage.message_keys.reserve(A, "old reservation", NOW)
        await at(storage, after(50)).message_keys.touch(A, "touched")
        await storage.message_keys.touch(A, "unknown")
        await storage.message_keys.reserve(A, "reserved again", NOW)
        await storage.message_keys.bind(A, "new", SECOND)
        assert await at(storage, after(100)).message_keys.purge(timedelta(seconds=60)) == 2
        found = {key: await storage.message_keys.find(A, key) for key in ("old", "old reservation", "touched", "new")}
        assert [key for key, message in found.items() if message] == ["touched", "new"]
        assert await storage.message_keys.find(A, "unknown") is None

    @pytest.mark.parametrize("step", STEPS)
    async def test_setting_the_clock_ages_no_key(self, storage: Storage, step: float) -> None:
        await storage.message_keys.bind(A, DEPLOY, FIRST)
        CLOCK.step(step)
        assert await at(storage, after(59)).message_keys.purge(timedelta(seconds=60)) == 0
        assert await at(storage, after(61)).message_keys.purge(timedelta(seconds=60)) == 1

    async def test_purging_counts_every_key(self, storage: Storage) -> None:
        for number in range(50):
            await storage.message_keys.bind(A, f"key {number}", FIRST)
        assert await at(storage, after(1)).message_keys.purge(timedelta()) == 50

    async def test_keys_survive_a_restart(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.message_keys.bind(A, ALERT, FIRST)
            await storage.message_keys.reserve(A, DEPLOY, after(1) + timedelta(microseconds=1))
        async with (storage := restart()).open():
            assert await storage.message_keys.find(A, ALERT) == KeyedMessage(A, ALERT, FIRST)
            reserved = KeyedMessage(A, DEPLOY, "", after(1) + timedelta(microseconds=1))
            assert await storage.message_keys.find(A, DEPLOY) == reserved
