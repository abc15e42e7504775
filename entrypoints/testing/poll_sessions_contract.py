"""The contract of the sessions in which a process takes actions."""

from application.ports.storage import Storage
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import NOW, after, at


class PollSessionsContract(StorageSuite):
    async def test_a_process_does_not_abandon_its_own_poll_session(self, storage: Storage) -> None:
        await at(storage, NOW).journal.open_poll_session()
        assert await storage.journal.abandoned_poll_session() is None

    async def test_the_first_poll_session_has_no_unclosed_predecessor(self, storage: Storage) -> None:
        assert await at(storage, NOW).journal.open_poll_session() is None

    async def test_a_closed_poll_session_is_forgotten(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session()
            await storage.journal.close_poll_session()
        async with (storage := restart()).open():
            assert await at(storage, after(60)).journal.open_poll_session() is None

    async def test_an_unclosed_poll_session_is_known_until_it_is_closed(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session()
        for _ in range(2):
            async with (storage := restart()).open():
                assert await at(storage, after(60)).journal.open_poll_session() == NOW
        async with (storage := restart()).open():
            await at(storage, after(60)).journal.open_poll_session()
            await storage.journal.close_poll_session()
            assert await storage.journal.open_poll_session() is None

    async def test_a_poll_session_begins_at_the_given_time(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session(after(-90))
        async with (storage := restart()).open():
            assert await at(storage, NOW).journal.open_poll_session(after(60)) == after(-90)

    async def test_a_poll_session_of_the_future_began_now_at_the_latest(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await at(storage, NOW).journal.open_poll_session(after(86_400))
        async with (storage := restart()).open():
            assert await at(storage, NOW).journal.open_poll_session(after(60)) == after(60)
