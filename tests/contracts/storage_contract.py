"""What every storage does."""

from tests.contracts.channels_contract import ChannelsContract
from tests.contracts.claims_contract import ClaimsContract
from tests.contracts.journal_contract import JournalContract
from tests.contracts.outbox_contract import OutboxContract
from tests.contracts.rate_limiter_contract import PacesContract


class StorageContract(ChannelsContract, OutboxContract, ClaimsContract, JournalContract, PacesContract):
    """Subclass it with a fixture `restart`."""
