import dataclasses
from collections.abc import AsyncIterator

import pytest

from adapters.slack.events_api import SlackEventsApi
from adapters.system_clock import SystemClock
from application.health import HealthRegistry
from entrypoints.http import HttpServer
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import ReceiverContract, ReceiverStage
from tests.support.slack_receiver import SlackReceiverStage, open_ear


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


class TestSlackEventsApi(ReceiverContract):
    @pytest.fixture
    async def stage(self) -> AsyncIterator[ReceiverStage]:
        async with SlackServer() as slack, open_ear(slack) as ear:
            receiver = SlackEventsApi(slack.signing_secret, ear.chat.identify, SystemClock(), patience_seconds=0.3)
            port = HttpServer(HealthRegistry(), host="127.0.0.1", port=0, slack_requests=receiver.receive)
            async with port:
                await slack.deliver_to(f"{port.url}/slack/events")
                yield SlackReceiverStage(dataclasses.replace(ear, receiver=receiver))
