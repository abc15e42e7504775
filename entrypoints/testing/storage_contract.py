"""The contract of a storage with all its parts."""

from entrypoints.testing.channels_contract import ChannelsContract
from entrypoints.testing.claim_leases_contract import ClaimLeasesContract
from entrypoints.testing.claims_contract import ClaimsContract
from entrypoints.testing.gaps_contract import GapsContract
from entrypoints.testing.journal_contract import JournalContract
from entrypoints.testing.leases_contract import LeasesContract
from entrypoints.testing.message_keys_contract import MessageKeysContract
from entrypoints.testing.outbox_contract import OutboxContract
from entrypoints.testing.poll_sessions_contract import PollSessionsContract
from entrypoints.testing.rate_limiter_contract import RateLimiterContract
from entrypoints.testing.replicas_contract import ReplicasContract
from entrypoints.testing.steps_contract import StepsContract
from entrypoints.testing.traces_contract import TracesContract


class StorageContract(
    ChannelsContract,
    GapsContract,
    OutboxContract,
    ClaimsContract,
    ClaimLeasesContract,
    JournalContract,
    PollSessionsContract,
    StepsContract,
    MessageKeysContract,
    RateLimiterContract,
    LeasesContract,
    ReplicasContract,
    TracesContract,
):
    """Subclasses provide the fixture `restart`."""
