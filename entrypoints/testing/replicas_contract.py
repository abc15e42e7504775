"""The contract of the replicas part of a storage, for a single process."""

from application.ports.replicas import Replica
from application.ports.storage import Storage
from entrypoints.testing.storage_suite import Restart, StorageSuite

REPLICA = Replica("one", "1.0", {"FLYTE_SLACK_LISTEN": "digest"}, ("SendMessage",))


class ReplicasContract(StorageSuite):
    async def test_a_process_is_not_among_the_others(self, storage: Storage) -> None:
        assert await storage.replicas.announce(REPLICA) == []
        assert await storage.replicas.others() == []

    async def test_a_storage_serves_one_bot_again_and_again(self, restart: Restart) -> None:
        for _ in range(2):
            async with (storage := restart()).open():
                await storage.replicas.claim_for("T1", "B1")
                await storage.replicas.claim_for("T1", "B1")
