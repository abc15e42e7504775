from collections.abc import AsyncIterator

import pytest

from entrypoints.simulation.slack_server import SlackServer
from tests.adapters.slack_stage import SlackReceiverStage, open_ear
from tests.contracts.receiver_contract import ReceiverContract, ReceiverStage


class TestSlackSocketMode(ReceiverContract):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverStage]:
        async with SlackServer(acknowledgement_seconds=0.2) as slack, open_ear(slack) as ear:
            yield SlackReceiverStage(ear)


class TestSlackRtm(ReceiverContract):
    acknowledges = False

    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverStage]:
        async with SlackServer(classic=True) as slack, open_ear(slack) as ear:
            yield SlackReceiverStage(ear)
