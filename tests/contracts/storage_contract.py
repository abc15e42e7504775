"""The contract of a storage with all its parts."""

from tests.contracts.channels_contract import ChannelsContract
from tests.contracts.claims_contract import ClaimsContract
from tests.contracts.gaps_contract import GapsContract
from tests.contracts.journal_contract import JournalContract
from tests.contracts.leases_contract import LeasesContract
from tests.contracts.message_keys_contract import MessageKeysContract
from tests.contracts.outbox_contract import OutboxContract
from tests.contracts.rate_limiter_contract import RateLimiterContract
from tests.contracts.replicas_contract import ReplicasContract


class StorageContract(
    ChannelsContract,
    GapsContract,
    OutboxContract,
    ClaimsContract,
    JournalContract,
    MessageKeysContract,
    RateLimiterContract,
    LeasesContract,
    ReplicasContract,
):
    """Subclasses provide the fixture `restart`."""
